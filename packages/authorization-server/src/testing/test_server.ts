import { createServer, type RequestListener } from 'node:http';
import type { Log } from '@tallystick/common';
import type { DeepReadonly } from '@tallystick/common/config';
import { listen } from '@tallystick/testing/listen';
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
import { type AuthorizationServer, createAuthorizationServer } from '../create_authorization_server.ts';

export const STYLES: readonly AccessTokenStyle[] = ['jwt', 'opaque', 'phantom', 'split'];
export const resourceOf = (style: string) => `https://api.example.com/${style}`;
export const SECRET = 'a secret that only these tests know';
export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

export interface TestServer extends AuthorizationServer {
  readonly issuer: string;
  readonly store: TokenStore;
  /** Replaces the server with another one on the same port. */
  answerWith(handler: RequestListener): void;
  stop(): Promise<void>;
}

/** Starts an authorization server on a free port with its own store. */
export async function startTestServer(
  change: (config: AuthorizationServerConfig) => AuthorizationServerConfig = (config) => config,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<TestServer> {
  const store = await openTokenStore(storeConfig());
  const server = createServer();
  const listening = await listen(server);
  const issuer = listening.origin;
  const made = await createAuthorizationServer(change(testConfiguration(issuer)), { store, log: silent, fetch });
  server.on('request', made.handler);
  return {
    ...made,
    issuer,
    store,
    answerWith: (handler) => void server.removeAllListeners('request').on('request', handler),
    async stop() {
      await listening.stop();
      await store.close();
    },
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
