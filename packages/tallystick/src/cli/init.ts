import { randomBytes } from 'node:crypto';
import { access, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { didYouMean } from '@tallystick/common';
import { origin } from '@tallystick/common/config';
import { SCHEMA_ID } from '../config/config_schema.ts';
import { DEFAULT_FILE } from '../config/config_source.ts';
import { CLIENTS, configTemplate, STYLES, type TemplateClient, type TemplateStyle } from './config_template.ts';
import { ownCommand } from './terminal.ts';
import { UsageError } from './usage.ts';

/** The options of the command line, as they were given. */
export interface InitOptions {
  /** Name of the file. Default: `tallystick.config.yaml`. */
  readonly config?: string | undefined;
  readonly style?: string | undefined;
  readonly api?: string | undefined;
  readonly client?: string | undefined;
  /** Replace a file that exists. */
  readonly force: boolean;
}

/** Where questions are asked and answered. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

/**
 * `tallystick init`: writes a commented configuration. On a terminal, it asks for the values that no option gives.
 *
 * @returns the exit code: 1 if the file exists already
 * @throws {UsageError} an option has a wrong value
 */
export async function init(options: InitOptions, terminal = processTerminal()): Promise<number> {
  const { config: file = DEFAULT_FILE, force } = options;
  const given = {
    style: options.style === undefined ? undefined : oneOf(STYLES, options.style, '--style'),
    client: options.client === undefined ? undefined : oneOf(CLIENTS, options.client, '--client'),
    api: options.api === undefined ? undefined : readOrigin(options.api),
  };
  if (!force && (await exists(file))) return refuse(file);
  const answers = terminal === undefined ? given : await ask(given, terminal);
  const text = configTemplate({
    style: answers.style ?? 'phantom',
    client: answers.client ?? 'spa',
    api: answers.api,
    schema: await schemaReference(),
    secret: randomBytes(24).toString('base64url'),
  });
  try {
    await writeFile(file, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return refuse(file);
    throw new UsageError(`${file} cannot be written: ${(error as NodeJS.ErrnoException).code}`, 'init');
  }
  console.log(`${file} is written. To run it, and reload it when it changes:`);
  console.log(`  ${ownCommand()} start --watch${file === DEFAULT_FILE ? '' : ` --config ${file}`}`);
  return 0;
}

function processTerminal(): Terminal | undefined {
  const { stdin: input, stdout: output } = process;
  return input.isTTY && output.isTTY ? { input, output } : undefined;
}

function refuse(file: string): number {
  console.error(`tallystick: ${file} exists already; --force replaces it`);
  return 1;
}

interface Answers {
  readonly style: TemplateStyle | undefined;
  readonly client: TemplateClient | undefined;
  readonly api: string | undefined;
}

/** Asks for what is missing. An empty answer is the default. */
async function ask(given: Answers, terminal: Terminal): Promise<Answers> {
  const lines = createInterface({ ...terminal, terminal: false });
  const reader = lines[Symbol.asyncIterator]();
  async function question<T>(text: string, read: (answer: string) => T): Promise<T | undefined> {
    for (;;) {
      terminal.output.write(`${text} `);
      const { value, done } = await reader.next();
      if (done || value.trim() === '') return undefined;
      try {
        return read(value.trim());
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        terminal.output.write(`${error.message}\n`);
      }
    }
  }
  try {
    const api =
      given.api ??
      (await question('Origin of your API, such as http://localhost:3000 (default: a sample API):', readOrigin));
    const style =
      given.style ??
      (await question(`${choices('Access token style:', STYLES)} (default: phantom):`, (text) =>
        oneOf(STYLES, text, 'style'),
      ));
    const client =
      given.client ??
      (await question(`${choices('Kind of client:', CLIENTS)} (default: spa):`, (text) =>
        oneOf(CLIENTS, text, 'client'),
      ));
    return { api, style, client };
  } finally {
    lines.close();
  }
}

function choices(title: string, names: Readonly<Record<string, string>>): string {
  const lines = Object.entries(names).map(([name, description]) => `  ${name.padEnd(8)} ${description}`);
  return [title, ...lines, 'Name'].join('\n');
}

/** @throws {UsageError} */
function oneOf<Name extends string>(names: Readonly<Record<Name, string>>, text: string, what: string): Name {
  const known = Object.keys(names) as Name[];
  const found = known.find((name) => name === text);
  if (found !== undefined) return found;
  const problem = `expected one of ${known.join(', ')}; found ${JSON.stringify(text)}`;
  throw new UsageError(`${what}: ${problem}${didYouMean(text, known)}`, 'init');
}

/** @throws {UsageError} */
function readOrigin(text: string): string {
  const { success, error } = origin.safeParse(text, { jitless: true });
  if (success) return text;
  throw new UsageError(`--api: ${error.issues[0]?.message}; found ${JSON.stringify(text)}`, 'init');
}

/** A project that depends on Tallystick has the schema of its version. */
async function schemaReference(): Promise<string> {
  const installed = './node_modules/tallystick/schema.json';
  return (await exists(installed)) ? installed : SCHEMA_ID;
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
