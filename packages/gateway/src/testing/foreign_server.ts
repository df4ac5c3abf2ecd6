import { createServer, type IncomingMessage } from 'node:http';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import type { PublishedKey } from '@tallystick/testing/signing_key';
import { type CryptoKey, type JWK, SignJWT } from 'jose';

/** A response of the introspection endpoint of a foreign authorization server. */
export interface ForeignAnswer {
  readonly status?: number;
  readonly contentType?: string;
  readonly body: unknown;
}

export interface ForeignServer extends ListeningServer {
  /** Issuer identifier. */
  readonly issuer: string;
  /** The keys in the JWKS. */
  keys: JWK[];
  /** Handles an introspection request. */
  introspect: (token: string, headers: IncomingMessage['headers']) => ForeignAnswer | Promise<ForeignAnswer>;
  /** The bodies of the introspection requests, in order. */
  readonly asked: string[];
  /** Signs a JWT with exactly these claims. */
  sign(header: object, claims: object, key?: CryptoKey): Promise<string>;
}

/** Starts a foreign authorization server: an issuer with keys and an introspection endpoint that the test controls. */
export async function startForeignServer(key: PublishedKey): Promise<ForeignServer> {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (request.url === '/jwks') {
      response.end(JSON.stringify({ keys: self.keys }));
      return;
    }
    const body = Buffer.concat(chunks).toString();
    asked.push(body);
    const answer = await self.introspect(new URLSearchParams(body).get('token') ?? '', request.headers);
    const { status = 200, contentType = 'application/json' } = answer;
    response.writeHead(status, { 'Content-Type': contentType });
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
  });
  const running = await listen(server);
  const self: ForeignServer = {
    ...running,
    issuer: running.origin,
    keys: [key.jwk],
    introspect: () => ({ body: { active: false } }),
    asked,
    sign: (header, claims, signingKey = key.privateKey) =>
      new SignJWT({ ...claims }).setProtectedHeader({ alg: 'RS256', ...header }).sign(signingKey),
  };
  return self;
}
