import { delimiter, parse, relative } from 'node:path';
import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** Colours text if the output is a terminal and `NO_COLOR` is not set. */
export function colour(format: Format, text: string): string {
  return process.stdout.isTTY && !process.env.NO_COLOR ? styleText(format, text) : text;
}

/** A command that makes curl and Node.js trust the certificate authority of the servers. */
export function trustCommand(caFile: string): string {
  const file = shellQuote(caFile);
  return `export CURL_CA_BUNDLE=${file} NODE_EXTRA_CA_CERTS=${file}`;
}

/** A text as one word of a POSIX shell. */
export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * The words that run this command line again: `tallystick` where it is installed for all folders, otherwise `npx tallystick`, or the
 * script itself in its repository.
 *
 * @param script the script that Node.js runs, as it was called
 * @param path the folders of commands, as in the variable `PATH`
 */
export function ownCommand(script = process.argv[1] ?? '', path = process.env.PATH ?? ''): string {
  const { dir, name } = parse(script);
  // npm and npx add folders of this name to PATH only while they run a command.
  const isEverywhere = path.split(delimiter).includes(dir) && !dir.includes('node_modules');
  if (name === 'tallystick' && isEverywhere) return 'tallystick';
  if (dir.includes('node_modules')) return 'npx tallystick';
  return `node ${shellQuote(relative('', script))}`;
}
