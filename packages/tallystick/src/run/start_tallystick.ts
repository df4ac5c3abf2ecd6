import type { TokenStore } from '@tallystick/token-store';
import type { Logger } from 'pino';
import { checkConfig, loadConfig } from '../config/load_config.ts';
import type { Config, ConfigInput } from '../config/schema.ts';
import { findWarnings } from '../config/warnings.ts';
import { createClock } from '../harness/clock/create_clock.ts';
import type { Harness } from '../harness/harness.ts';
import { sampleApiUrl, serverUrl } from './addresses.ts';
import { openApp } from './app.ts';
import { runAuthorizationServer } from './authorization_server.ts';
import { runControlApi } from './control_api.ts';
import { createLog, gatewayStoreUses, openStore } from './dependencies.ts';
import { type RunningGateway, runGateway } from './gateway.ts';
import { runSampleApi } from './sample_api.ts';

export interface StartOptions {
  /** The configuration, or the file that holds it. */
  readonly config: ConfigInput | string;
  /** The ports to listen on. Default: free ones, so that any number can run; `configured` takes those of the configuration. */
  readonly ports?: 'free' | 'configured';
  /** Default: a log at the configured level on standard error. */
  readonly log?: Logger;
  /** A store to use instead of the configured one; whoever opened it closes it. */
  readonly store?: TokenStore;
}

/** Everything running in this process. */
export interface Tallystick extends Harness {
  /** Issuer identifier and base URL of the authorization server. */
  readonly issuer: string;
  readonly gatewayUrl: string;
  readonly sampleApiUrl: string;
  /** With `tls`: what clients have to trust, as PEM. Absent if the certificate is of a CA that everybody trusts. */
  readonly ca?: string;
  /** The file that holds it, and the SHA-256 of the servers' certificate. */
  readonly caFile?: string;
  readonly certificateFingerprint?: string;
  /** The control API, if `controlApi.enabled`. */
  readonly controlUrl?: string;
  /** The configuration as it came out, defaults and ports filled in. */
  readonly config: Config;
  /** Stops every part, letting running requests finish. */
  stop(): Promise<void>;
}

/**
 * Starts authorization server, gateway and sample API in this process.
 *
 * @example
 * const tallystick = await startTallystick({ config: 'tallystick.config.yaml' });
 * // … fetch(`${tallystick.gatewayUrl}/split/hello`, …)
 * tallystick.faults.add({ endpoint: 'introspection', status: 503, calls: 2 });
 * tallystick.clock.advance(3600);
 * await tallystick.reset();
 * await tallystick.stop();
 *
 * @throws {ConfigError} the configuration cannot be used
 * @throws {Error} with `code` EADDRINUSE when a configured port is taken
 */
export async function startTallystick({
  config: given,
  ports = 'free',
  log,
  store: givenStore,
}: StartOptions): Promise<Tallystick> {
  const configured = typeof given === 'string' ? await loadConfig(given) : checkConfig(given);
  const config = ports === 'free' ? withFreePorts(configured) : configured;
  const tls = config.tls && (await (await import('./tls/open_tls.ts')).openTls(config));
  // With a store of its own, everything that expires does so by the clock that tests move.
  const clock = createClock({ movable: givenStore === undefined && config.store.url === 'memory:' });
  const { now } = clock;
  const usedLog = log ?? createLog(config.log.level);
  const store =
    givenStore ?? (await openStore(config, { uses: ['records', ...gatewayStoreUses(config)], log: usedLog, now }));
  const dependencies = { store, log: usedLog, now, tls };
  const stops: (() => Promise<void>)[] = givenStore ? [] : [() => store.close()];
  const stop = async () => {
    for (const stopPart of stops.splice(0).reverse()) await stopPart();
  };
  try {
    let gateway: RunningGateway | undefined;
    const sampleApi = await openApp(config, 'sampleApi', tls);
    stops.push(sampleApi.stop);
    const authorizationServer = await openApp(config, 'authorizationServer', tls);
    stops.push(authorizationServer.stop);

    const running = ports === 'free' ? withUrls(config, authorizationServer.port, sampleApi.port) : config;
    for (const { path, message } of findWarnings(running)) usedLog.warn({ path }, message);
    runSampleApi(running, sampleApi, dependencies);
    const { harness, release } = await runAuthorizationServer(running, authorizationServer, {
      ...dependencies,
      clock,
      intercepted: true,
      async followApis(changed) {
        await gateway?.replace(changed);
        runSampleApi(changed, sampleApi, dependencies);
      },
      followKeys: (jwks) => gateway?.followKeys(jwks),
    });
    // Whichever server on the store changed them, the one of this process reads them and hands them on.
    const keysChanged = () => void harness.keys.list().catch(() => {});
    gateway = await runGateway(running, { ...dependencies, keysChanged });
    stops.push(gateway.stop);
    const control = running.controlApi.enabled ? await runControlApi(running, harness, dependencies) : undefined;
    if (control) stops.push(control.stop);
    stops.push(async () => release());
    return {
      ...harness,
      ...(control && { controlUrl: serverUrl(running, running.controlApi.host, control.port) }),
      issuer: running.issuer,
      gatewayUrl: serverUrl(config, config.host, gateway.port),
      sampleApiUrl: sampleApiUrl(running),
      ...(tls?.ca !== undefined && { ca: tls.ca }),
      ...(tls?.caFile !== undefined && { caFile: tls.caFile }),
      ...(tls?.server && { certificateFingerprint: tls.server.fingerprint }),
      config: running,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function withFreePorts(config: Config): Config {
  return {
    ...config,
    authorizationServer: { ...config.authorizationServer, port: 0 },
    gateway: { ...config.gateway, port: 0 },
    sampleApi: { ...config.sampleApi, port: 0 },
    controlApi: { ...config.controlApi, port: 0 },
  };
}

function withUrls(config: Config, authorizationServerPort: number, sampleApiPort: number): Config {
  return {
    ...config,
    issuer: serverUrl(config, config.host, authorizationServerPort),
    sampleApi: { ...config.sampleApi, port: sampleApiPort, url: serverUrl(config, config.host, sampleApiPort) },
  };
}
