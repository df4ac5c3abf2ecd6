import { performance } from 'node:perf_hooks';
import { loadConfig } from '../config/load_config.ts';
import { startTallystick } from '../run/start_tallystick.ts';
import { banner } from './banner.ts';
import { untilStopped } from './until_stopped.ts';

/** `tallystick start`: everything in this process, until it is stopped. */
export async function start(configFile: string): Promise<number> {
  const config = await loadConfig(configFile, process.env);
  const tallystick = await startTallystick({ config, ports: 'configured' });
  // Whoever reads that it is ready may stop it at once.
  const stopped = untilStopped(async () => {
    console.log('\nstopping …');
    await tallystick.stop();
  });
  console.log(banner(tallystick, Math.round(performance.now())));
  await stopped;
  return 0;
}
