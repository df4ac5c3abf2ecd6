import { parseArgs } from 'node:util';
import { StoreUnavailableError, WrongSecretError } from '@tallystick/token-store';
import { ConfigError } from '../config/config_error.ts';
import { HELP, UsageError } from './usage.ts';

/** Used when `--config` is not given. */
const DEFAULT_CONFIG = 'tallystick.config.yaml';

const OPTIONS = {
  config: { type: 'string', short: 'c', default: DEFAULT_CONFIG },
  workers: { type: 'string', short: 'w', default: '1' },
  help: { type: 'boolean', short: 'h', default: false },
  version: { type: 'boolean', short: 'v', default: false },
} as const;

interface Values {
  readonly config: string;
  readonly workers: string;
}

/**
 * Runs the command line. Each command is loaded only when it runs, which keeps the start fast.
 *
 * @returns the exit code
 */
export async function runCommand(args: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    if (values.version) return print(await readVersion());
    if (values.help) return print(HELP);
    return await run(positionals, values);
  } catch (error) {
    console.error(describeError(error));
    return 1;
  }
}

async function run(command: readonly string[], { config, workers }: Values): Promise<number> {
  if (workers !== '1' && command[0] !== 'gateway')
    throw new UsageError('--workers applies to the gateway command only');
  switch (command.join(' ')) {
    case 'start':
      return (await import('./start.ts')).start(config);
    case 'gateway':
      return (await import('./gateway.ts')).gateway(config, workers);
    case 'authorization-server':
    case 'sample-api':
      return (await import('./role.ts')).runRole(command[0] as 'authorization-server' | 'sample-api', config);
    case 'demo':
      return (await import('./demo.ts')).demo(config);
    case 'config validate':
      return (await import('./config.ts')).validate(config);
    case 'config schema':
      return (await import('./config.ts')).schema();
    case '':
      console.error(HELP);
      return 1;
    default:
      throw new UsageError(`unknown command "${command.join(' ')}"`);
  }
}

/** One line that says what to do. Only an unexpected error is printed with its stack. */
function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `tallystick: ${String(error)}`;
  const code = 'code' in error ? String(error.code) : '';
  if (error instanceof UsageError) return `tallystick: ${error.message}; see tallystick --help`;
  if (error instanceof ConfigError) return `tallystick: ${error.message}`;
  if (error instanceof WrongSecretError)
    return `tallystick: ${error.message}; use the secret of the servers that share the store, or another database`;
  if (error instanceof StoreUnavailableError)
    return `tallystick: the token store is unavailable (${error.message}); start it, or set TALLYSTICK_STORE_URL`;
  if (code === 'EADDRINUSE' && 'port' in error) {
    return `tallystick: port ${error.port} is already in use; stop the process that listens on it, or configure another port (TALLYSTICK_…_PORT)`;
  }
  if (code.startsWith('ERR_PARSE_ARGS')) return `tallystick: ${error.message.split('.')[0]}; see tallystick --help`;
  return `tallystick: ${error.stack ?? error.message}`;
}

async function readVersion(): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  return JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')).version;
}

function print(text: string): number {
  console.log(text);
  return 0;
}
