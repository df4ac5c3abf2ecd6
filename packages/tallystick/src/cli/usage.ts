/** The command line is wrong. The message says how. */
export class UsageError extends Error {
  /** Name of the command whose help explains more. Default: the general help. */
  readonly command: string | undefined;

  constructor(message: string, command?: string) {
    super(message);
    this.command = command;
  }
}

export type OptionName = keyof typeof OPTIONS;

/** Options of all commands, for `parseArgs` of Node.js. */
export const OPTIONS = {
  config: { type: 'string', short: 'c' },
  watch: { type: 'boolean' },
  permissive: { type: 'boolean' },
  workers: { type: 'string', short: 'w' },
  json: { type: 'boolean' },
  style: { type: 'string' },
  api: { type: 'string' },
  client: { type: 'string' },
  force: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

const OPTION_HELP: Record<OptionName, readonly [option: string, description: string]> = {
  config: ['-c, --config <file>', 'YAML or JSON (default: tallystick.config.yaml, or the built-in demo)'],
  watch: ['    --watch', 'reloads the configuration file when it changes'],
  permissive: ['    --permissive', 'accepts every client, redirect URI, scope and audience, as a mock does'],
  workers: ['-w, --workers <n>', 'number of processes that share the port (default: 1)'],
  json: ['    --json', 'prints JSON'],
  style: ['    --style <style>', 'access token style: phantom, split, opaque or jwt (default: phantom)'],
  api: ['    --api <origin>', 'your API, such as http://localhost:3000 (default: the sample API)'],
  client: ['    --client <kind>', 'client: spa, web, native, machine or mcp (default: spa)'],
  force: ['    --force', 'replaces a file that exists'],
  help: ['-h, --help', 'explains the command'],
  version: ['-v, --version', 'prints the version'],
};

export interface CommandHelp {
  /** The words after `tallystick`. */
  readonly name: string;
  /** What follows the name, such as `[file]`. */
  readonly parameters?: string;
  readonly summary: string;
  /** Sentences for its own help. */
  readonly details: string;
  readonly options: readonly OptionName[];
  readonly examples: readonly string[];
}

const RELOADS = 'SIGHUP reloads the configuration file. An invalid file changes nothing.';

export const COMMANDS: readonly CommandHelp[] = [
  {
    name: 'start',
    summary: 'everything in one process: authorization server, gateway, sample API (the default command)',
    details: RELOADS,
    options: ['config', 'watch', 'permissive'],
    examples: [
      'tallystick start',
      'tallystick start --permissive',
      'tallystick start --watch --config my.config.yaml',
      'TALLYSTICK_GATEWAY_PORT=8080 tallystick start',
      'TALLYSTICK_ISSUER=https://localhost:4000 TALLYSTICK_TLS_SELF_MADE=true tallystick start',
    ],
  },
  {
    name: 'authorization-server',
    summary: 'only the authorization server, for containers and several processes on one Redis',
    details: RELOADS,
    options: ['config'],
    examples: ['TALLYSTICK_STORE_URL=redis://localhost TALLYSTICK_SECRET=… tallystick authorization-server'],
  },
  {
    name: 'gateway',
    summary: 'only the gateway',
    details: RELOADS,
    options: ['config', 'workers'],
    examples: [
      'TALLYSTICK_STORE_URL=redis://localhost tallystick gateway',
      'tallystick gateway --config /etc/tallystick.yaml --workers 4',
    ],
  },
  {
    name: 'sample-api',
    summary: 'only the sample API',
    details: RELOADS,
    options: ['config'],
    examples: ['TALLYSTICK_SAMPLE_API_PORT=8080 tallystick sample-api'],
  },
  {
    name: 'init',
    summary: 'writes a commented configuration file',
    details: 'On a terminal, it asks for what no option says. It never replaces a file without --force.',
    options: ['config', 'style', 'api', 'client', 'force'],
    examples: ['tallystick init', 'tallystick init --api http://localhost:3000 --style split --client web'],
  },
  {
    name: 'health',
    summary: 'checks that the servers of this machine answer, for the health check of a container',
    details:
      'Asks the ports of the configuration for /healthz. A role that does not run here does not count. The exit code is 0 if all that run answer, and 1 if not.',
    options: ['config'],
    examples: ['tallystick health'],
  },
  {
    name: 'demo',
    summary: 'the four ways to serve an access token, hop by hop, in the terminal',
    details: 'Starts everything on free ports, signs a user in, calls each API, and stops.',
    options: ['config'],
    examples: ['tallystick demo'],
  },
  {
    name: 'config validate',
    parameters: '[file]',
    summary: 'checks the configuration file',
    details:
      'Starts nothing. The environment variables are checked too. The exit code is 0 if the configuration is valid, and 1 if not.',
    options: ['config', 'json'],
    examples: ['tallystick config validate my.config.yaml', 'tallystick config validate --json | jq .problems'],
  },
  {
    name: 'config schema',
    summary: 'prints the JSON Schema of the configuration file',
    details: 'An editor completes and checks the file with it.',
    options: [],
    examples: ['tallystick config schema > tallystick.schema.json'],
  },
  {
    name: 'help',
    parameters: '[command]',
    summary: 'explains a command',
    details: 'Without a command, it lists all of them.',
    options: [],
    examples: ['tallystick help', 'tallystick help config validate'],
  },
  {
    name: 'version',
    summary: 'prints the version',
    details: 'With --json, it prints the version of Node.js too.',
    options: ['json'],
    examples: ['tallystick version', 'tallystick version --json'],
  },
];

/** The help of one command, or of a group of commands such as `config`. Without a name: of everything. */
export function helpText(name = ''): string {
  const command = COMMANDS.find((known) => known.name === name);
  if (command !== undefined) return commandHelp(command);
  const group = COMMANDS.filter((known) => known.name.startsWith(`${name} `));
  if (name !== '') {
    return `Usage: tallystick ${name} <command>

${table(group.map(summaryOf))}

tallystick help ${name} <command> explains one command.`;
  }
  return `Tallystick: opaque tokens outside, JWTs inside.

Usage: tallystick <command> [options]

${table(COMMANDS.map(summaryOf))}

tallystick help <command> explains one command, with its options and examples.

Every configuration value can also be set in the environment, by its path; lists are JSON:
store.url is TALLYSTICK_STORE_URL, authorizationServer.port is TALLYSTICK_AUTHORIZATION_SERVER_PORT.

Examples:
  tallystick start
  tallystick config validate my.config.yaml
  TALLYSTICK_GATEWAY_PORT=8080 tallystick start`;
}

function commandHelp({ name, parameters, summary, details, options, examples }: CommandHelp): string {
  return `Usage: ${['tallystick', name, parameters, '[options]'].filter(Boolean).join(' ')}

${summary[0]?.toUpperCase()}${summary.slice(1)}.
${details}

Options:
${table([...options, 'help' as const].map((option) => OPTION_HELP[option]))}

Examples:
${examples.map((example) => `  ${example}`).join('\n')}`;
}

function summaryOf({ name, parameters, summary }: CommandHelp): readonly [string, string] {
  return [[name, parameters].filter(Boolean).join(' '), summary];
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([first]) => first.length));
  return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`).join('\n');
}
