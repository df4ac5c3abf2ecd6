import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '@tallystick/common';
import { openTokenStore, type TokenStore } from '@tallystick/token-store';
import type { AccessTokenStyle, AuthorizationServerConfig, ClientConfig } from '../config/config.ts';
import { type AuthorizationServer, createAuthorizationServer } from '../create_authorization_server.ts';

export const STYLES: readonly AccessTokenStyle[] = ['jwt', 'opaque', 'phantom', 'split'];
export const resourceOf = (style: string) => `https://api.example.com/${style}`;
export const SECRET = 'a secret that only these tests know';
export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

const LIFETIMES = {
  accessToken: 3600,
  authorizationCode: 60,
  refreshToken: 3600,
  idToken: 3600,
  session: 3600,
  grant: 3600,
  deviceCode: 600,
  backchannelRequest: 600,
  interaction: 3600,
  unusedRegistration: 3600,
};

export interface TestServer extends AuthorizationServer {
  readonly issuer: string;
  readonly store: TokenStore;
  /** Puts another server in its place, on the same port. */
  answerWith(handler: RequestListener): void;
  stop(): Promise<void>;
}

/** An authorization server that listens on a port of its own, with a store of its own. */
export async function startTestServer(
  change: (config: AuthorizationServerConfig) => AuthorizationServerConfig = (config) => config,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<TestServer> {
  const store = await openTokenStore({ url: 'memory:' });
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const made = await createAuthorizationServer(change(testConfiguration(issuer)), { store, log: silent, fetch });
  server.on('request', made.handler);
  return {
    ...made,
    issuer,
    store,
    answerWith: (handler) => void server.removeAllListeners('request').on('request', handler),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await store.close();
    },
  };
}

/** One API of each style, `service` and `gateway`, and every feature that is on by default. */
export function testConfiguration(issuer: string): AuthorizationServerConfig {
  return {
    issuer,
    secret: SECRET,
    apis: STYLES.map((style) => ({
      resource: resourceOf(style),
      style,
      scopes: ['read', 'write'],
      accessTokenLifetime: 300,
      claims: ['email'],
      authorizationDetailsTypes: [],
    })),
    clients: [
      testClient({ id: 'service', secret: 'service-secret', grants: ['client_credentials'] }),
      testClient({ id: 'gateway', secret: 'gateway-secret', introspects: true }),
    ],
    users: [{ id: 'alice', claims: { email: 'alice@example.com' } }],
    lifetimes: LIFETIMES,
    reuseGrace: { code: 0, refreshToken: 5 },
    signingAlgorithm: 'ES256',
    introspectionMaxAge: 60,
    acrValues: [],
    pollingInterval: 1,
    clientCertificateHeader: 'client-cert',
    trustedProxies: ['127.0.0.1'],
    features: {
      pushedAuthorizationRequests: true,
      requestObjects: true,
      jwtResponseModes: true,
      authorizationDetails: true,
      claimsParameter: true,
      dpop: true,
      deviceFlow: true,
      ciba: true,
      clientRegistration: true,
      clientIdMetadataDocuments: true,
      pairwiseSubjects: true,
      backChannelLogout: true,
      mutualTls: false,
    },
  };
}

export function testClient(given: Partial<ClientConfig> & { id: string }): ClientConfig {
  return { grants: [], redirectUris: [], postLogoutRedirectUris: [], introspects: false, ...given };
}
