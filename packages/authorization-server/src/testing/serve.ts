import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openTokenStore, type TokenStore } from '@tallystick/token-store';
import type { AccessTokenStyle, AuthorizationServerConfig, ClientConfig } from '../config.ts';
import { type AuthorizationServer, createAuthorizationServer } from '../create_authorization_server.ts';
import type { Log } from '../log.ts';

export const STYLES: readonly AccessTokenStyle[] = ['jwt', 'opaque', 'phantom', 'split'];
export const resourceOf = (style: string) => `https://api.example.com/${style}`;
export const REDIRECT_URI = 'http://127.0.0.1:53682/callback';

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

export interface Served {
  readonly issuer: string;
  readonly store: TokenStore;
  readonly authorizationServer: AuthorizationServer;
  /** Puts another authorization server, on the same store, in the place of the first. */
  replaceWithAnother(): Promise<AuthorizationServer>;
  stop(): Promise<void>;
}

/** An authorization server on a real port, with an API of each style and the clients that its tests need. */
export async function serve({ now, path = '' }: { now?: () => number; path?: string } = {}): Promise<Served> {
  const store = await openTokenStore({ url: 'memory:', ...(now && { now }) });
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  const start = async () => {
    const made = await createAuthorizationServer(configuration(issuer), { store, log: silent, ...(now && { now }) });
    server.removeAllListeners('request').on('request', made.handler);
    return made;
  };
  return {
    issuer,
    store,
    authorizationServer: await start(),
    replaceWithAnother: start,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await store.close();
    },
  };
}

function configuration(issuer: string): AuthorizationServerConfig {
  return {
    issuer,
    secret: 'a secret that only this test knows',
    apis: STYLES.map((style) => ({
      resource: resourceOf(style),
      style,
      scopes: ['read', 'write'],
      accessTokenLifetime: 300,
      claims: ['email'],
    })),
    clients: [
      client({ id: 'service', secret: 'service-secret', grants: ['client_credentials'] }),
      client({ id: 'gateway', secret: 'gateway-secret', introspects: true }),
      client({ id: 'web', grants: ['authorization_code', 'refresh_token'], redirectUris: [REDIRECT_URI] }),
      client({
        id: 'ci',
        grants: ['authorization_code'],
        redirectUris: [REDIRECT_URI],
        automaticLogin: { user: 'alice' },
      }),
    ],
    users: [{ id: 'alice', claims: { email: 'alice@example.com' } }],
    signingAlgorithm: 'ES256',
    introspectionMaxAge: 60,
  };
}

export function client(given: Partial<ClientConfig> & { id: string }): ClientConfig {
  return { grants: [], redirectUris: [], postLogoutRedirectUris: [], introspects: false, ...given };
}
