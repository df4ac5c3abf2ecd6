import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { findConfig, readConfig } from './config_source.ts';
import { demoConfig } from './demo_config.ts';

const DEMO = new URL('../../../../tallystick.config.yaml', import.meta.url);

test('the built-in demo configuration is the file of the repository; `npm run generate` updates it', async () => {
  expect(demoConfig).toEqual(parse(await readFile(DEMO, 'utf8')));
});

describe('the configuration of a command', () => {
  let folder: string;
  const before = process.cwd();
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'tallystick-'));
    process.chdir(folder);
  });
  afterEach(async () => {
    process.chdir(before);
    await rm(folder, { recursive: true });
  });
  const writeDefault = () => writeFile('tallystick.config.yaml', 'apis: []');
  const variable = { TALLYSTICK_CONFIG: '{ "apis": [] }' };

  test('is the file that was given, even if there is another one', async () => {
    await writeDefault();
    expect(await findConfig('other.yaml', variable)).toEqual({ kind: 'file', file: 'other.yaml' });
  });

  test('is TALLYSTICK_CONFIG, even if there is a file in the folder', async () => {
    await writeDefault();
    expect(await findConfig(undefined, variable)).toEqual({ kind: 'variable', text: '{ "apis": [] }' });
  });

  test.each([undefined, '', ' \n'])('is the file in the folder if TALLYSTICK_CONFIG is %j', async (text) => {
    await writeDefault();
    expect(await findConfig(undefined, { TALLYSTICK_CONFIG: text })).toEqual({
      kind: 'file',
      file: 'tallystick.config.yaml',
    });
  });

  test('is the demo in an empty folder', async () => {
    expect(await findConfig(undefined, {})).toEqual({ kind: 'demo' });
    expect((await readConfig({ kind: 'demo' }, {})).apis).toHaveLength(4);
  });
});

describe('TALLYSTICK_CONFIG', () => {
  const read = (text: string, more = {}) =>
    readConfig({ kind: 'variable', text }, { TALLYSTICK_CONFIG: text, ...more });

  test.each([
    ['YAML', 'apis:\n  - http://localhost:3000\n'],
    ['JSON', '{"apis":["http://localhost:3000"]}'],
  ])('is %s', async (_what, text) => {
    expect((await read(text)).apis).toMatchObject([{ resource: 'http://localhost:3000' }]);
  });

  test('is the source of which other variables change single values', async () => {
    expect((await read('apis: []', { TALLYSTICK_GATEWAY_PORT: '8080' })).gateway.port).toBe(8080);
  });

  test.each([
    ['a wrong value', 'apis: none', 'apis: expected array; found "none"'],
    ['text that is not YAML', 'secret: [hush', /^line 1, column \d+: expected YAML or JSON; found a syntax error/],
    ['the name of a file', '/etc/tallystick.yaml', /found a text\. For the name of a file, use --config$/],
    ['a list', '[1]', 'the configuration: expected object; found [1]'],
  ])('is refused with %s', async (_what, text, problem) => {
    const more = { TALLYSTICK_GATEWAY_PORT: '8080' };
    await expect(read(text, more)).rejects.toMatchObject({
      message: expect.stringMatching(/^TALLYSTICK_CONFIG cannot be used:/),
      problems: [typeof problem === 'string' ? problem : expect.stringMatching(problem)],
    });
  });
});
