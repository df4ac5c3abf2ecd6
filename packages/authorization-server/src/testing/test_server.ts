import { createServer } from 'node:http';
import type { Log } from '@tallystick/common';
import type { DeepReadonly } from '@tallystick/common/config';
import { listen } from '@tallystick/testing/listen';
import { REDIRECT_URI } from '@tallystick/testing/sign_in';
import { openTokenStore, type TokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import type { z } from 'zod';
import { client } from '../config/client.ts';
import {
  type AccessTokenStyle,
  type AuthorizationServerConfig,
  authorizationServerConfig,
  type ClientConfig,
} from '../config/config.ts';
import {
  type AuthorizationServer,
  type AuthorizationServerDependencies,
  createAuthorizationServer,
} from '../create_authorization_server.ts';

export const STYLES: readonly AccessTokenStyle[] = ['jwt', 'opaque', 'phantom', 'split'];
export const resourceOf = (style: string) => `https://api.example.com/${style}`;
export const SECRET = 'a secret that only these tests know';
export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

export interface TestServer extends AuthorizationServer {
  readonly issuer: string;
  readonly store: TokenStore;
  /** Lets another authorization server with the same configuration answer on the port. @param store default: the same store */
  replaceWithAnother(store?: TokenStore): Promise<AuthorizationServer>;
  stop(): Promise<void>;
}

export interface TestServerOptions extends Omit<AuthorizationServerDependencies, 'store' | 'log'> {
  /** Default: no log. */
  readonly log?: Log;
  /** The path of the issuer. */
  readonly path?: string;
}

/** Starts an authorization server on a free port with its own store. */
export async function startTestServer(
  change: (config: AuthorizationServerConfig) => AuthorizationServerConfig = (config) => config,
  { log = silent, path = '', ...others }: TestServerOptions = {},
): Promise<TestServer> {
  const store = await openTokenStore(storeConfig(), { now: others.now });
  const server = createServer();
  const listening = await listen(server);
  const issuer = listening.origin + path;
  const config = change(testConfiguration(issuer));
  const start = async (used = store) => {
    const made = await createAuthorizationServer(config, { store: used, log, ...others });
    server.removeAllListeners('request').on('request', made.handler);
    return made;
  };
  return {
    ...(await start()),
    issuer,
    store,
    replaceWithAnother: start,
    async stop() {
      await listening.stop();
      await store.close();
    },
  };
}

/** Adds a client for the sign-in form and one that signs alice in automatically. */
export function withWebClients(config: AuthorizationServerConfig): AuthorizationServerConfig {
  const redirectUris = [REDIRECT_URI];
  return {
    ...config,
    clients: [
      ...config.clients,
      testClient({ id: 'web', grants: ['authorization_code', 'refresh_token'], redirectUris }),
      testClient({ id: 'ci', grants: ['authorization_code'], redirectUris, automaticLogin: { user: 'alice' } }),
    ],
  };
}

/** One API of each style, the clients `service` and `gateway`, and the user alice. Everything else has its default. */
export function testConfiguration(issuer: string): AuthorizationServerConfig {
  return authorizationServerConfig.parse({
    issuer,
    secret: SECRET,
    apis: STYLES.map((style) => ({
      resource: resourceOf(style),
      accessTokens: style,
      scopes: ['read', 'write'],
      claims: ['email'],
    })),
    clients: [
      { id: 'service', secret: 'service-secret', grants: ['client_credentials'] },
      { id: 'gateway', secret: 'gateway-secret', introspects: true },
    ],
    users: [{ id: 'alice', claims: { email: 'alice@example.com' } }],
    lifetimes: { refreshToken: 3600, session: 3600, grant: 3600, interaction: 3600, unusedRegistration: 3600 },
    acrValues: [],
    idTokenSigningAlgorithm: 'ES256', // RSA keys take long to make.
    pollingInterval: 1,
  });
}

/** A configured client, with defaults filled in. */
export function testClient(given: DeepReadonly<z.input<typeof client>>): ClientConfig {
  return client.parse(given);
}
