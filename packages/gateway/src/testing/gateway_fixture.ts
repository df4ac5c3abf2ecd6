import { randomBytes } from 'node:crypto';
import type { Log } from '@tallystick/common';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import type { GatewayConfig } from '../config/config.ts';
import { createGateway, type Gateway } from '../gateway.ts';
import { createMetrics } from '../operations/metrics.ts';
import { createGatewayServer } from '../server.ts';
import { issuer, startAuthorizationServer, type TestAuthorizationServer } from './authorization_server.ts';
import { api, type GatewayInput, gatewayConfigOf, route, styles } from './gateway_config.ts';
import { createTestStore, type TestStore } from './memory_store.ts';
import { startUpstream, type TestUpstream } from './servers.ts';

export interface LogLine {
  readonly level: keyof Log;
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface GatewayFixture {
  readonly gateway: Gateway;
  /** Its configuration. */
  readonly config: GatewayConfig;
  readonly port: number;
  readonly origin: string;
  readonly store: TestStore;
  readonly authorizationServer: TestAuthorizationServer;
  readonly upstream: TestUpstream;
  readonly log: LogLine[];
  /** Epoch milliseconds; moves only when a test moves it. */
  readonly clock: { time: number };
  /** What the log says about the cache for every request that is over, in order. */
  cacheLevels(): unknown[];
  /** What the metrics say, a line for each time series. */
  metrics(): Promise<string>;
  /** Calls an API with a bearer token. */
  call(path: string, token?: string, init?: RequestInit): Promise<Response>;
  /** Issues a reference whose JWT the authorization server knows. */
  issueReference(resource: string, claims?: object): Promise<string>;
  /** Issues a split token, and puts its entry into the store. */
  issueSplit(resource: string, claims?: object): Promise<string>;
  stop(): Promise<void>;
}

export { api, type GatewayInput, route };

/**
 * Starts a gateway on a real server, with an authorization server, a store and an API that the test controls.
 *
 * @param prepare called before the gateway is created
 * @param respond how the API answers; 200 by default
 */
export async function startGatewayFixture(
  change: (config: GatewayInput) => Partial<GatewayInput> = () => ({}),
  prepare: (authorizationServer: TestAuthorizationServer) => void = () => {},
  respond?: Parameters<typeof startUpstream>[0],
): Promise<GatewayFixture> {
  const clock = { time: Date.now() };
  const now = () => clock.time;
  const authorizationServer = await startAuthorizationServer(now);
  prepare(authorizationServer);
  const upstream = await startUpstream(respond);
  const store = createTestStore();
  const log: LogLine[] = [];
  const write = (level: keyof Log) => (fields: object, message: string) => {
    log.push({ ...fields, level, message });
  };
  const config: GatewayInput = {
    issuer,
    authorizationServer: {
      introspectionEndpoint: `${authorizationServer.origin}/introspect`,
      jwksUri: `${authorizationServer.origin}/jwks`,
    },
    client: { id: 'gateway', secret: 'a secret: 100%' },
    routes: styles.map((style) => route(style, upstream.origin)),
    cache: { maxEntries: 1000, maxAge: 60, negative: { maxEntries: 100 } },
    timeouts: { authorizationServer: 10_000, upstream: 10_000 },
  };
  const metrics = createMetrics();
  const configured = gatewayConfigOf({ ...config, ...change(config) });
  const gateway = createGateway(configured, {
    store,
    now,
    metrics,
    log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
  });
  const server: ListeningServer = await listen(createGatewayServer(gateway, configured));

  return {
    gateway,
    config: configured,
    port: server.port,
    origin: server.origin,
    store,
    authorizationServer,
    upstream,
    log,
    clock,
    cacheLevels: () => log.filter(({ message }) => message.startsWith('request ')).map(({ cache }) => cache),
    metrics: async () => (await metrics.expose()).text,
    call(path, token, init = {}) {
      const headers = new Headers(init.headers);
      if (token !== undefined) headers.set('Authorization', `Bearer ${token}`);
      return fetch(`${server.origin}${path}`, { ...init, headers });
    },
    async issueReference(resource, claims = {}) {
      const reference = randomBytes(32).toString('base64url');
      authorizationServer.active.set(reference, await authorizationServer.issue({ aud: resource, ...claims }));
      return reference;
    },
    async issueSplit(resource, claims = {}) {
      const [header, payload, signature = ''] = (await authorizationServer.issue({ aud: resource, ...claims })).split(
        '.',
      );
      store.entries.set(signature, `${header}.${payload}`);
      return signature;
    },
    async stop() {
      await Promise.all([server.stop(), authorizationServer.stop(), upstream.stop()]);
      await gateway.close();
    },
  };
}
