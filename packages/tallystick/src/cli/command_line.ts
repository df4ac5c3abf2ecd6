import { parseArgs } from 'node:util';
import { didYouMean } from '@tallystick/common';
import { COMMANDS, type CommandHelp, OPTIONS, type OptionName, UsageError } from './usage.ts';

/** A command line that is well-formed: every option belongs to the command, and no argument is left. */
export interface CommandLine {
  /** Name of the command; `start` if none was given. Empty with `help`: help about all of them. A group such as `config` asks for its help. */
  readonly command: string;
  /** Whether the command line asks for the help of the command. */
  readonly help: boolean;
  /** Name of the configuration file. Undefined: none was given. */
  readonly config: string | undefined;
  readonly watch: boolean;
  readonly permissive: boolean;
  readonly workers: string;
  readonly json: boolean;
  readonly style: string | undefined;
  readonly api: string | undefined;
  readonly client: string | undefined;
  readonly force: boolean;
}

interface Option {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
}

/** @throws {UsageError} a command, an option or an argument is unknown or missing */
export function parseCommandLine(args: readonly string[]): CommandLine {
  // Not `strict`: its errors know neither the command nor a similar name.
  const { tokens } = parseArgs({
    args: [...args],
    options: OPTIONS,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const options = tokens.flatMap((token) => (token.kind === 'option' ? [{ ...token, value: token.value }] : []));
  const words = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  const given = (name: OptionName) => options.some((option) => option.name === name);
  const [first = '', ...rest] = words;
  if (first === 'help') return line(findHelpTopic(rest), { help: true });
  if (first === '' && given('version')) {
    checkOptions(options, findCommand('version'), ['version']);
    return line('version', { json: given('json') });
  }
  if (first === '' && given('help')) {
    checkOptions(options, undefined, ['help']);
    return line('', { help: true });
  }
  if (isGroup(words.join(' '))) {
    checkOptions(options, undefined, ['help']);
    return line(first, { help: true });
  }
  const command = findCommand(first === '' ? 'start' : words.slice(0, isGroup(first) ? 2 : 1).join(' '));
  checkOptions(options, command, ['help']);
  const value = (name: OptionName) => options.findLast((option) => option.name === name)?.value;
  const parameters = first === '' ? [] : words.slice(command.name.split(' ').length);
  const file = readFile(parameters, command, value('config'));
  const { name } = command;
  return line(name, {
    help: given('help'),
    config: file,
    watch: given('watch'),
    permissive: given('permissive'),
    workers: value('workers') ?? '1',
    json: given('json'),
    style: value('style'),
    api: value('api'),
    client: value('client'),
    force: given('force'),
  });
}

function line(command: string, values: Partial<CommandLine>): CommandLine {
  return {
    help: false,
    config: undefined,
    watch: false,
    permissive: false,
    workers: '1',
    json: false,
    style: undefined,
    api: undefined,
    client: undefined,
    force: false,
    ...values,
    command,
  };
}

function isGroup(name: string): boolean {
  return COMMANDS.some((command) => command.name.startsWith(`${name} `));
}

function findHelpTopic(words: readonly string[]): string {
  const topic = words.join(' ');
  return topic === '' || isGroup(topic) ? topic : findCommand(topic).name;
}

function findCommand(name: string): CommandHelp {
  const found = COMMANDS.find((command) => command.name === name);
  if (found !== undefined) return found;
  const names = COMMANDS.map((command) => command.name);
  const [group = ''] = name.split(' ');
  throw new UsageError(
    `unknown command "${name}"${didYouMean(name, [...names, 'config'])}`,
    isGroup(group) ? group : undefined,
  );
}

function checkOptions(options: readonly Option[], command: CommandHelp | undefined, more: readonly string[]): void {
  const known = [...(command?.options ?? []), ...more];
  for (const { name, rawName, value } of options) {
    const option = (OPTIONS as Readonly<Record<string, { readonly type: string }>>)[name];
    if (option === undefined) {
      const suggestion = didYouMean(
        rawName,
        [...known, 'help'].map((each) => `--${each}`),
      );
      throw new UsageError(`unknown option "${rawName}"${suggestion}`, command?.name);
    }
    if (!known.includes(name))
      throw new UsageError(`${rawName} does not apply ${describe(command, name)}`, command?.name);
    if (option.type === 'string' && !value) throw new UsageError(`${rawName}: expected a value`, command?.name);
    if (option.type === 'boolean' && value !== undefined)
      throw new UsageError(`${rawName}: expected no value`, command?.name);
  }
}

function describe(command: CommandHelp | undefined, option: string): string {
  const owners = COMMANDS.filter(({ options }) => (options as readonly string[]).includes(option));
  const names = owners.map(({ name }) => name).join(', ');
  const here = command === undefined ? 'without a command' : `to ${command.name}`;
  return names === '' ? here : `${here}, only to ${names}`;
}

/** @returns the file that was given as an argument or with --config */
function readFile(words: readonly string[], command: CommandHelp, option: string | undefined): string | undefined {
  const [file, extra] = command.parameters === '[file]' ? words : [undefined, words[0]];
  if (extra !== undefined) {
    const hint = command.options.includes('config') && file === undefined ? `; use --config ${extra}` : '';
    throw new UsageError(`unexpected argument "${extra}"${hint}`, command.name);
  }
  if (file !== undefined && option !== undefined && file !== option)
    throw new UsageError(`the file is given twice: "${file}" and --config "${option}"`, command.name);
  return file ?? option;
}
