import { createRequire } from 'node:module';
import { StoreUnavailableError, WrongSecretError } from '@tallystick/token-store';
import { ConfigError } from '../config/config_error.ts';
import { findConfig } from '../config/config_source.ts';
import { PortError } from '../run/listen.ts';
import { type CommandLine, parseCommandLine } from './command_line.ts';
import { helpText, UsageError } from './usage.ts';

/** Exit code for a command line that is wrong. */
const USAGE = 2;

/**
 * Runs the command line. Each command is loaded only when it runs, which keeps the start fast.
 *
 * @returns the exit code: 0 for success, 2 for a wrong command line, 1 for every other failure
 */
export async function runCommand(args: readonly string[]): Promise<number> {
  try {
    const line = parseCommandLine(args);
    if (line.help) return print(helpText(line.command));
    return await run(line);
  } catch (error) {
    console.error(`tallystick: ${describeError(error)}`);
    return error instanceof UsageError ? USAGE : 1;
  }
}

async function run(line: CommandLine): Promise<number> {
  const { command, config, workers, watch, permissive, json } = line;
  const find = () => findConfig(config, process.env);
  switch (command) {
    case 'start':
      return (await import('./start.ts')).start(await find(), { watch, permissive });
    case 'gateway':
      return (await import('./gateway.ts')).gateway(await find(), workers);
    case 'authorization-server':
    case 'sample-api':
      return (await import('./role.ts')).runRole(command, await find());
    case 'init':
      return (await import('./init.ts')).init(line);
    case 'health':
      return (await import('./health.ts')).health(await find());
    case 'demo':
      return (await import('./demo.ts')).demo(await find());
    case 'config validate':
      return (await import('./config.ts')).validate(await find(), { json });
    case 'config schema':
      return (await import('./config.ts')).schema();
    case 'version': {
      const version = readVersion();
      return print(json ? JSON.stringify({ version, node: process.version }) : version);
    }
    default:
      console.error(helpText());
      return USAGE;
  }
}

/** One line that says what to do. Only an unexpected error is described with its stack. */
function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof UsageError)
    return `${error.message} (see ${['tallystick', error.command, '--help'].filter(Boolean).join(' ')})`;
  if (error instanceof ConfigError || error instanceof PortError) return error.message;
  if (error instanceof WrongSecretError)
    return `${error.message}; use the secret of the servers that share the store, or another database`;
  if (error instanceof StoreUnavailableError)
    return `the token store is unavailable (${error.message}); start it, or set TALLYSTICK_STORE_URL`;
  return error.stack ?? error.message;
}

function readVersion(): string {
  return createRequire(import.meta.url)('tallystick/package.json').version;
}

function print(text: string): number {
  console.log(text);
  return 0;
}
