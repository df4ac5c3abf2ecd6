import { createServer } from 'node:http';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export interface OpenIdProvider extends ListeningServer {
  /** Issuer identifier. */
  readonly issuer: string;
  /** The token response, apart from the ID token. */
  tokens: { access_token: string; refresh_token?: string; expires_in?: number };
  /** Claims of ID tokens. */
  claims: { sub: string; readonly [name: string]: unknown };
  /** The `nonce` of the authorization request. */
  nonce: string;
  /** The status of the token response. */
  tokenStatus: number;
}

/** Starts an OpenID provider whose users are always signed in, and whose tokens the test sets. @param clientId the only client */
export async function startOpenIdProvider(clientId: string): Promise<OpenIdProvider> {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const server = createServer(async (request, response) => {
    const json = (body: unknown, status = 200) =>
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    const { issuer } = self;
    request.resume();
    switch (request.url) {
      case '/.well-known/openid-configuration':
        return json({
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/jwks`,
          response_types_supported: ['code'],
          id_token_signing_alg_values_supported: ['RS256'],
        });
      case '/jwks':
        return json({ keys: [{ ...(await exportJWK(publicKey)), alg: 'RS256', use: 'sig', kid: '1' }] });
      default: {
        if (self.tokenStatus !== 200) return json({ error: 'server_error' }, self.tokenStatus);
        const idToken = await new SignJWT({ ...self.claims, nonce: self.nonce })
          .setProtectedHeader({ alg: 'RS256', kid: '1' })
          .setIssuer(issuer)
          .setAudience(clientId)
          .setIssuedAt()
          .setExpirationTime('5m')
          .sign(privateKey);
        return json({ token_type: 'Bearer', id_token: idToken, ...self.tokens });
      }
    }
  });
  const running = await listen(server);
  const self: OpenIdProvider = {
    ...running,
    issuer: running.origin,
    tokens: { access_token: 'a'.repeat(43), refresh_token: 'r'.repeat(43), expires_in: 300 },
    claims: { sub: 'alice' },
    nonce: '',
    tokenStatus: 200,
  };
  return self;
}
