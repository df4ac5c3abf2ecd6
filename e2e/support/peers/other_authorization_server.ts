import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { listen } from '@tallystick/testing/listen';
import { Provider } from 'oidc-provider';

/** What Keycloak, Entra and others make of RFC 9068: `typ: JWT`, `azp` for `client_id`, `scp` for `scope`, no `jti`. */
function makeUnlikeRfc9068(
  _context: unknown,
  _token: unknown,
  jwt: { header?: object | undefined; payload: object },
): void {
  const { client_id: azp, scope, jti: _, ...others } = jwt.payload as Record<string, unknown>;
  jwt.header = { typ: 'JWT' };
  jwt.payload = { ...others, azp, scp: String(scope).split(' ') };
}

/** One key for all RSA algorithms: the default keys of oidc-provider are for RS256 only. */
function createKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kty: 'RSA' as const, use: 'sig', kid: 'other-1' };
}

/**
 * Starts oidc-provider with its defaults: introspection answers with JSON.
 *
 * @param jwts issues JWTs that are not as RFC 9068 has them, for the audience `account`, signed with RS512
 */
export async function startOtherAuthorizationServer({ jwts = false } = {}) {
  const server = createServer();
  const { origin: issuer, stop } = await listen(server);
  const client = { redirect_uris: [], response_types: [], grant_types: ['client_credentials'] };
  const provider = new Provider(issuer, {
    clients: [
      { ...client, client_id: 'service', client_secret: 'service-secret' },
      { ...client, client_id: 'gateway', client_secret: 'gateway-secret' },
    ],
    scopes: ['read'],
    ...(jwts && { formats: { customizers: { jwt: makeUnlikeRfc9068 } }, jwks: { keys: [createKey()] } }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () =>
          jwts
            ? { scope: 'read', audience: 'account', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS512' } } }
            : { scope: 'read', accessTokenFormat: 'opaque' },
      },
    },
  });
  const answer = provider.callback();
  let introspections = 0;
  server.on('request', (request, response) => {
    if (request.url === '/token/introspection') introspections += 1;
    void answer(request, response);
  });
  return {
    issuer,
    introspections: () => introspections,
    async issue(resource: string): Promise<string> {
      const answered = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: { Authorization: `Basic ${btoa('service:service-secret')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'read', resource }),
      });
      return ((await answered.json()) as { access_token: string }).access_token;
    },
    stop,
  };
}
