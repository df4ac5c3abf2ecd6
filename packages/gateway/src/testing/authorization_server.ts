import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import { createSigningKey, type SigningKey } from '@tallystick/testing/signing_key';
import { type JWTPayload, SignJWT } from 'jose';

export const issuer = 'https://login.example.com';

export interface TestAuthorizationServer extends ListeningServer {
  /** The default signing key. */
  readonly key: SigningKey;
  /** The keys in the JWKS. */
  keys: SigningKey[];
  /** The active tokens: client-held token to JWT. */
  readonly active: Map<string, string>;
  /** Seconds of `Cache-Control: max-age` in an active response; undefined for no such header. */
  maxAge: number | undefined;
  /** The introspection requests, in order. */
  readonly introspections: { readonly body: string; readonly headers: IncomingMessage['headers'] }[];
  /** Replaces the introspection endpoint. */
  onIntrospection: ((response: ServerResponse, token: string) => void) | undefined;
  /** Replaces the JWKS endpoint. */
  onJwks: ((response: ServerResponse) => void) | undefined;
  issue(claims: JWTPayload, options?: { key?: SigningKey; typ?: string }): Promise<string>;
}

/** Starts an authorization server that the test controls. @param now epoch milliseconds */
export async function startAuthorizationServer(now: () => number): Promise<TestAuthorizationServer> {
  const key = await createSigningKey('key-1');
  const introspections: TestAuthorizationServer['introspections'] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    if (request.url === '/jwks') {
      if (self.onJwks) self.onJwks(response);
      else response.end(JSON.stringify({ keys: self.keys.map(({ jwk }) => jwk) }));
      return;
    }
    introspections.push({ body, headers: request.headers });
    const token = new URLSearchParams(body).get('token') ?? '';
    if (self.onIntrospection) self.onIntrospection(response, token);
    else introspect(response, token);
  });

  function introspect(response: ServerResponse, token: string): void {
    const jwt = self.active.get(token);
    if (jwt === undefined) {
      response.writeHead(204).end();
      return;
    }
    const cacheControl = self.maxAge === undefined ? {} : { 'Cache-Control': `private, max-age=${self.maxAge}` };
    response.writeHead(200, { 'Content-Type': 'application/jwt', ...cacheControl }).end(jwt);
  }

  const self: TestAuthorizationServer = {
    ...(await listen(server)),
    key,
    keys: [key],
    active: new Map(),
    maxAge: 300,
    introspections,
    onIntrospection: undefined,
    onJwks: undefined,
    issue(claims, { key: signingKey = key, typ = 'at+jwt' } = {}) {
      const seconds = Math.floor(now() / 1000);
      const usual = { iss: issuer, sub: 'alice', client_id: 'client', jti: crypto.randomUUID(), scope: 'read' };
      return new SignJWT({ ...usual, iat: seconds, exp: seconds + 600, ...claims })
        .setProtectedHeader({ alg: 'ES256', typ, kid: signingKey.kid })
        .sign(signingKey.privateKey);
    },
  };
  return self;
}
