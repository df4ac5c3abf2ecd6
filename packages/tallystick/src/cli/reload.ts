import { unwatchFile, watchFile } from 'node:fs';
import { type ConfigSource, readConfig } from '../config/config_source.ts';
import type { Role } from '../config/role.ts';
import type { Config } from '../config/schema.ts';

/** Milliseconds between two looks at a watched file. */
const WATCH_INTERVAL = 500;

export interface ReloadOptions {
  readonly source: ConfigSource;
  /** The only role of the process. Default: all of them. */
  readonly role?: Role;
  /** Makes the servers use another configuration. @throws {Error} it cannot be used; nothing changed */
  readonly replace: (config: Config) => Promise<void>;
}

/** Creates a function that reads the configuration and uses it. If the new configuration is not valid, the current one stays. */
export function createReload({ source, role, replace }: ReloadOptions): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  async function reload(): Promise<void> {
    try {
      await replace(await readConfig(source, process.env, role));
      console.log('configuration reloaded');
    } catch (error) {
      console.error(`tallystick: reload failed, keeping the current configuration: ${(error as Error).message}`);
    }
  }
  // One after another: the last file that was read is the one in use.
  return () => {
    last = last.then(reload);
    return last;
  };
}

/**
 * Calls `changed` after each change of a file. It asks for the file's state at intervals, which also finds changes that an editor
 * makes by renaming, and changes in a directory that a container mounts.
 *
 * @returns a function that ends this
 */
export function watch(file: string, changed: () => void): () => void {
  const listener = () => changed();
  watchFile(file, { interval: WATCH_INTERVAL }, listener);
  return () => unwatchFile(file, listener);
}
