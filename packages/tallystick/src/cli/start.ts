import { performance } from 'node:perf_hooks';
import { isatty } from 'node:tty';
import { type ConfigSource, DEFAULT_FILE, readConfig } from '../config/config_source.ts';
import { startTallystick } from '../run/start_tallystick.ts';
import { banner } from './banner.ts';
import { createReload, watch } from './reload.ts';
import { untilStopped } from './until_stopped.ts';
import { UsageError } from './usage.ts';

export interface StartOptions {
  /** Reload the file when it changes. */
  readonly watch: boolean;
  /** Make the first issuer permissive. */
  readonly permissive: boolean;
}

/** `tallystick start`: runs every role in this process until it is stopped. */
export async function start(source: ConfigSource, options: StartOptions): Promise<number> {
  const file = options.watch ? watchedFile(source) : undefined;
  // In the environment, so that a reload applies it again.
  if (options.permissive) process.env.TALLYSTICK_PERMISSIVE = 'true';
  const config = await readConfig(source, process.env);
  const starting = startTallystick({ config, ports: 'configured' });
  const reload = createReload({ source, replace: async (changed) => (await starting).replace(changed) });
  const endOfTerminal = onHangup(reload);
  const tallystick = await starting;
  const stopWatching = file === undefined ? () => {} : watch(file, reload);
  // Before the banner: a script that reads the banner may send a signal at once.
  const stopped = untilStopped(async () => {
    stopWatching();
    console.log('\nstopping …');
    await tallystick.stop();
  }, endOfTerminal);
  // Makes the key of ID tokens before somebody waits for it.
  void tallystick.keys.list().catch(() => {});
  console.log(banner(tallystick, { source, readyAfter: Math.round(performance.now()) }));
  await stopped;
  return 0;
}

/** @throws {UsageError} the configuration is not in a file */
function watchedFile(source: ConfigSource): string {
  if (source.kind === 'file') return source.file;
  throw new UsageError(`--watch needs a configuration file; tallystick init writes ${DEFAULT_FILE}`, 'start');
}

/**
 * Reloads on SIGHUP. The system sends the same signal when the terminal of the process is closed.
 *
 * @returns a promise that resolves when the terminal was closed
 */
function onHangup(reload: () => void): Promise<void> {
  const hadTerminal = hasTerminal();
  return new Promise((resolve) => {
    process.on('SIGHUP', () => {
      if (hadTerminal && !hasTerminal()) resolve();
      else reload();
    });
  });
}

/** A descriptor of a terminal that was closed is no terminal any more. */
function hasTerminal(): boolean {
  return [0, 1, 2].some((descriptor) => isatty(descriptor));
}
