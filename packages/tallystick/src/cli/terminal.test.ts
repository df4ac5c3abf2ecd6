import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { ownCommand, shellQuote, trustCommand } from './terminal.ts';

const run = promisify(execFile);

test.each([
  'plain',
  'http://localhost:4000/token',
  '',
  'two words',
  `it's "quoted"`,
  '$HOME',
  '`id`',
  'a;b',
  'a\\b',
  'é',
])('a shell reads a quoted text as one word: %j', async (text) => {
  const { stdout } = await run('sh', ['-c', `printf '[%s]' ${shellQuote(text)}`]);
  expect(stdout).toBe(`[${text}]`);
});

test('one command makes curl and Node.js trust a file, wherever it is', async () => {
  const script = `${trustCommand("/tmp/it's here/ca.pem")}; printf '%s|%s' "$CURL_CA_BUNDLE" "$NODE_EXTRA_CA_CERTS"`;
  expect((await run('sh', ['-c', script])).stdout).toBe("/tmp/it's here/ca.pem|/tmp/it's here/ca.pem");
});

test.each([
  ['installed for all folders', '/usr/local/bin/tallystick', 'tallystick'],
  ['installed in a project', '/app/node_modules/.bin/tallystick', 'npx tallystick'],
  ['run by npx', '/root/.npm/_npx/1a2b/node_modules/.bin/tallystick', 'npx tallystick'],
  ['run as a script', `${process.cwd()}/packages/main.js`, 'node packages/main.js'],
  ['run as a script in a folder with a space', `${process.cwd()}/my own/main.js`, "node 'my own/main.js'"],
])('the command line that is %s can be run again', (_what, script, expected) => {
  const path = '/app/node_modules/.bin:/root/.npm/_npx/1a2b/node_modules/.bin:/usr/local/bin:/usr/bin';
  expect(ownCommand(script, path)).toBe(expected);
});
