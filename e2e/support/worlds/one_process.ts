import { Writable } from 'node:stream';
import pino from 'pino';
import { type Config, type ConfigInput, loadConfig, startTallystick, type Tallystick } from 'tallystick';
import { captureLog } from './captured_log.ts';
import { DEMO_CONFIG, type World } from './world.ts';

export interface OneProcess extends World {
  /** The library's API. */
  readonly tallystick: Tallystick;
}

/** The demo in this process, on the memory store. */
export async function startOneProcess(
  change: (config: Config) => ConfigInput = (config) => config,
  ports: 'free' | 'configured' = 'free',
): Promise<OneProcess> {
  const log = captureLog();
  const sink = new Writable({ write: (chunk, _encoding, done) => done(log.write(String(chunk)) ?? null) });
  const config = change(await loadConfig(DEMO_CONFIG));
  const tallystick = await startTallystick({ config, ports, log: pino({ level: 'debug' }, sink) });
  return {
    tallystick,
    issuer: tallystick.issuer,
    gateways: [tallystick.gatewayUrl],
    sampleApi: tallystick.sampleApiUrl,
    ...(tallystick.ca !== undefined && { ca: tallystick.ca }),
    log,
    async stop() {
      await tallystick.stop();
      log.expectNoSecret();
    },
  };
}
