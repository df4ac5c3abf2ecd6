import type { Log } from '@tallystick/common';
import type { Metrics } from '@tallystick/gateway';
import { openTokenStore, type StoreLog, type StoreUse, type TokenStore } from '@tallystick/token-store';
import pino, { type Logger } from 'pino';
import { ConfigError } from '../config/config_error.ts';
import type { Config } from '../config/schema.ts';
import { readableLine } from './readable_log.ts';
import type { Tls } from './tls/open_tls.ts';

/** What a role needs besides its configuration. */
export interface RoleDependencies {
  readonly store: TokenStore;
  readonly log: Log;
  /** The current time in epoch milliseconds. Default: real time. */
  readonly now?: () => number;
  /** The gateway's metrics. Default: new ones for this process. */
  readonly metrics?: Metrics;
  /** Called when the signing keys on the store change. Default: the gateway fetches the keys again. */
  readonly keysChanged?: () => void;
  /** Calls other servers on plain HTTP. Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Default: plain HTTP, and the CAs that Node.js trusts. */
  readonly tls?: Tls | undefined;
  /** Environment variables that name the proxies for calls to issuers. Default: those of the process. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** An output such as `process.stderr`. */
export interface LogOutput {
  readonly isTTY?: boolean;
  /** Whether it shows 16 colours. */
  readonly hasColors: boolean;
  write(text: string): void;
}

/** @returns undefined if standard error is not a terminal */
function terminal(): LogOutput | undefined {
  const { isTTY } = process.stderr;
  if (!isTTY) return undefined;
  const hasColors = process.stderr.hasColors(16) && !process.env.NO_COLOR;
  return { isTTY, hasColors, write: (text) => void process.stderr.write(text) };
}

/** Creates a log that writes JSON lines to standard error, or readable lines if that is a terminal. */
export function createLog(level: Config['log']['level'], output: LogOutput | undefined = terminal()): Logger {
  const options = { level, base: null };
  if (output === undefined) return pino(options, pino.destination({ dest: 2, sync: true }));
  if (!output.isTTY) return pino(options, output);
  const { hasColors: colours } = output;
  return pino(options, { write: (json) => output.write(`${readableLine(json, { colours })}\n`) });
}

export interface StoreOptions {
  /** How the roles of this process use the store. */
  readonly uses: readonly StoreUse[];
  readonly log: StoreLog;
  /** The current time in epoch milliseconds. */
  readonly now: () => number;
}

/**
 * Opens the configured store.
 *
 * @throws {ConfigError} a certificate cannot be read
 */
export async function openStore({ store }: Pick<Config, 'store'>, options: StoreOptions): Promise<TokenStore> {
  try {
    return await openTokenStore(store, options);
  } catch (error) {
    throw error instanceof TypeError ? new ConfigError('the configuration', [error.message]) : error;
  }
}

/** How a gateway uses the store. */
export function gatewayStoreUses({ gateway }: Config): StoreUse[] {
  const uses: StoreUse[] = ['split entries'];
  if (gateway.cache.shared) uses.push('shared answers');
  if (gateway.tokenHandlers.length > 0) uses.push('shared values');
  return uses;
}
