import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';

/** oidc-provider as it comes, which answers introspection with JSON. */
export async function startOtherAuthorizationServer() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = { redirect_uris: [], response_types: [], grant_types: ['client_credentials'] };
  const provider = new Provider(issuer, {
    clients: [
      { ...client, client_id: 'service', client_secret: 'service-secret' },
      { ...client, client_id: 'gateway', client_secret: 'gateway-secret' },
    ],
    scopes: ['read'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: 'read', accessTokenFormat: 'opaque' as const }),
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
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
