import type { Metrics } from '@tallystick/gateway';
import type { TokenStore } from '@tallystick/token-store';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { allowedForOperations, allowedHosts } from './allowed_hosts.ts';
import { type AppServer, createAppServer } from './app_server.ts';
import { type Listening, listen } from './listen.ts';
import type { Tls } from './tls/trust.ts';

/** What a role needs from outside. */
export interface RoleDependencies {
  readonly store: TokenStore;
  readonly log: Logger;
  /** Epoch milliseconds. Default: real time. */
  readonly now?: () => number;
  /** What the gateway counts; default: nothing is shared with other processes. */
  readonly metrics?: Metrics;
  /** Tells a gateway's process that the signing keys on the store changed. Default: the gateway fetches them again. */
  readonly keysChanged?: () => void;
  /** Default: plain HTTP, and the usual CAs. */
  readonly tls?: Tls | undefined;
  /** Where the proxies are found through which issuers are called. Default: that of the process. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** An authorization server or sample API that listens, and answers once it is run. */
export type OpenApp = Listening & Pick<AppServer, 'answerWith'>;

export async function openApp(
  config: Config,
  role: 'authorizationServer' | 'sampleApi' | 'controlApi',
  tls?: Tls,
): Promise<OpenApp> {
  const asksForCertificates = role === 'authorizationServer' && config.features.mutualTls;
  const { host, port, timeouts } = { host: config.host, ...config[role] };
  const app = createAppServer({
    allowsHost: await allowedHosts(config, role),
    tls: tls?.server && { ...tls.server, ...(asksForCertificates && { clientCas: tls.clientCas }) },
    keepAliveTimeout: timeouts.keepAlive,
  });
  return openServer(app, { host, port });
}

export async function openOperations(config: Config, address: { host: string; port: number }): Promise<OpenApp> {
  const allowsHost = await allowedForOperations(config, address.host);
  return openServer(createAppServer({ allowsHost, keepAliveTimeout: config.gateway.timeouts.keepAlive }), address);
}

async function openServer(app: AppServer, address: { host: string; port: number }): Promise<OpenApp> {
  const listening = await listen(app.server, address);
  return {
    port: listening.port,
    answerWith: app.answerWith,
    drain: app.drain,
    stop() {
      app.drain();
      return listening.stop();
    },
  };
}
