import type { Config } from '../config/schema.ts';
import { allowedHosts, allowedOperationsHosts } from './allowed_hosts.ts';
import { type AppServer, createAppServer } from './app_server.ts';
import type { RoleDependencies } from './dependencies.ts';
import { type ListenAddress, type Listening, listen } from './listen.ts';

/** A server that listens. Requests get 503 until `answerWith` gives it an application. */
export type OpenApp = Listening & Pick<AppServer, 'answerWith'>;

/** Opens the server of a role. */
export async function openApp(
  config: Config,
  role: 'authorizationServer' | 'sampleApi' | 'controlApi',
  { tls, log }: Partial<Pick<RoleDependencies, 'tls' | 'log'>> = {},
): Promise<OpenApp> {
  const requestsCertificates = role === 'authorizationServer' && config.features.mutualTls;
  const { host, port, timeouts } = { host: config.host, ...config[role] };
  const app = createAppServer({
    allowsHost: await allowedHosts(config, role),
    tls: tls?.server && { ...tls.server, clientCas: requestsCertificates ? tls.clientCas : undefined },
    log,
    keepAliveTimeout: timeouts.keepAlive,
  });
  return openServer(app, { host, port, setting: `${role}.port` });
}

/** Opens the server of /healthz, /readyz and /metrics, if they have their own port. */
export async function openOperations(
  config: Config,
  { host, port }: Pick<ListenAddress, 'host' | 'port'>,
): Promise<OpenApp> {
  const allowsHost = await allowedOperationsHosts(config, host);
  const app = createAppServer({ allowsHost, keepAliveTimeout: config.gateway.timeouts.keepAlive });
  return openServer(app, { host, port, setting: 'gateway.operations.port' });
}

async function openServer(app: AppServer, address: ListenAddress): Promise<OpenApp> {
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
