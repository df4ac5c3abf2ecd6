import { performance } from 'node:perf_hooks';
import { loadConfig } from '../config/load_config.ts';
import { startTallystick } from '../run/start_tallystick.ts';
import { banner } from './banner.ts';
import { untilStopped } from './until_stopped.ts';

/** `tallystick start`: runs every role in this process until it is stopped. */
export async function start(configFile: string): Promise<number> {
  const config = await loadConfig(configFile, process.env);
  const tallystick = await startTallystick({ config, ports: 'configured' });
  // Before the banner: a script that reads the banner may send a signal at once.
  const stopped = untilStopped(async () => {
    console.log('\nstopping …');
    await tallystick.stop();
  });
  console.log(banner(tallystick, Math.round(performance.now())));
  await stopped;
  return 0;
}
