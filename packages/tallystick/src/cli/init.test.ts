import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import { startForTest } from '@tallystick/testing/on_test_finished';
import { loadConfig } from '../config/load_config.ts';
import { findWarnings } from '../config/warnings.ts';
import { runCodeFlow } from '../harness/sign_in/code_flow.ts';
import { startTallystick, type Tallystick } from '../run/start_tallystick.ts';
import { CLIENTS, STYLES, type TemplateClient, type TemplateStyle } from './config_template.ts';
import { type InitOptions, init } from './init.ts';

const FILE = 'tallystick.config.yaml';
const styles = Object.keys(STYLES) as TemplateStyle[];
const clients = Object.keys(CLIENTS) as TemplateClient[];

let folder: string;
let output: jest.SpiedFunction<typeof console.log>;
let errors: jest.SpiedFunction<typeof console.error>;
const before = process.cwd();
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tallystick-'));
  process.chdir(folder);
  output = jest.spyOn(console, 'log').mockImplementation(() => {});
  errors = jest.spyOn(console, 'error').mockImplementation(() => {});
});
afterEach(async () => {
  output.mockRestore();
  errors.mockRestore();
  process.chdir(before);
  await rm(folder, { recursive: true });
});

const read = () => readFile(FILE, 'utf8');
const run = (options: Partial<InitOptions> = {}, terminal?: Parameters<typeof init>[1]) =>
  init({ force: false, ...options }, terminal);

describe('the file', () => {
  let api: ListeningServer;
  beforeAll(async () => {
    api = await listen(createServer((_request, response) => response.end('{"upstream":true}')));
  });
  afterAll(() => api.stop());

  const matrix = styles.flatMap((style) =>
    clients.flatMap((client) => [false, true].map((hasApi) => ({ style, client, hasApi }))),
  );

  test.each(matrix)('for $style, $client, an API of its own: $hasApi is valid and runs', async (options) => {
    const { style, client, hasApi } = options;
    expect(await run({ style, client, api: hasApi ? api.origin : undefined })).toBe(0);
    const config = await loadConfig(FILE);
    expect(findWarnings(config)).toEqual([]);
    expect(config.apis[0]?.accessTokens).toBe(style);
    const tallystick = await startForTest(startTallystick({ config: { ...config, log: { level: 'silent' } } }));
    const token = await tokenFor(client, tallystick);
    const answer = await fetch(`${tallystick.gatewayUrl}${client === 'mcp' ? '/mcp' : '/orders'}`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    expect([answer.status, await answer.json()]).toEqual([200, hasApi ? { upstream: true } : expect.anything()]);
  });

  test('names the schema where an editor finds it', async () => {
    await run();
    expect(await read()).toMatch(
      /^# yaml-language-server: \$schema=https:\/\/unpkg\.com\/tallystick@[\d.]+\/schema\.json\n/,
    );
    await mkdir('node_modules/tallystick', { recursive: true });
    await writeFile('node_modules/tallystick/schema.json', '{}');
    await run({ force: true });
    expect(await read()).toMatch(/^# yaml-language-server: \$schema=\.\/node_modules\/tallystick\/schema\.json\n/);
  });

  test('has another secret each time', async () => {
    await run({ client: 'machine' });
    const first = await read();
    await run({ client: 'machine', force: true });
    expect(await read()).not.toBe(first);
  });
});

/** A token that the configured client gets, for the configured API. */
async function tokenFor(client: TemplateClient, tallystick: Tallystick): Promise<string> {
  const { issuer, config } = tallystick;
  const [api] = config.apis;
  const [known] = config.clients;
  const resource = String(api?.resource);
  const scope = api?.scopes.join(' ') ?? '';
  if (client === 'machine') {
    const answer = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${btoa(`${known?.id}:${known?.secret}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope }),
    });
    return ((await answer.json()) as { access_token: string }).access_token;
  }
  if (client !== 'mcp') return (await tallystick.signIn({ client: String(known?.id) })).accessToken;
  const flow = { issuer, client: await register(issuer), redirectUri: 'http://127.0.0.1/callback', resource };
  return (await runCodeFlow({ ...flow, scope: `openid ${scope}`, login: { user: 'alice' } }, fetch)).access_token;
}

async function register(issuer: string): Promise<{ id: string }> {
  const answer = await fetch(`${issuer}/reg`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      redirect_uris: ['http://127.0.0.1/callback'],
      application_type: 'native',
      token_endpoint_auth_method: 'none',
    }),
  });
  return { id: ((await answer.json()) as { client_id: string }).client_id };
}

describe('a file that exists', () => {
  beforeEach(() => writeFile(FILE, 'mine'));

  test('is not replaced', async () => {
    expect(await run()).toBe(1);
    expect(errors).toHaveBeenCalledWith(`tallystick: ${FILE} exists already; --force replaces it`);
    expect(await read()).toBe('mine');
  });

  test('is replaced with --force', async () => {
    expect(await run({ force: true })).toBe(0);
    expect(await read()).toContain('apis:');
  });

  test('is left alone if another one is named', async () => {
    expect(await run({ config: 'other.yaml' })).toBe(0);
    expect(await read()).toBe('mine');
    expect(output.mock.calls.flat().join('\n')).toMatch(/start --watch --config other\.yaml$/);
  });
});

test.each([
  [{ style: 'phantm' }, '--style: expected one of phantom, split, opaque, jwt; found "phantm"; did you mean phantom?'],
  [{ client: 'app' }, '--client: expected one of spa, web, native, machine, mcp; found "app"'],
  [
    { api: 'localhost:3000' },
    '--api: expected scheme and authority only, such as http://localhost:4000, without a trailing slash; found "localhost:3000"',
  ],
  [{ api: 'http://localhost:3000/' }, '--api: expected scheme and authority only'],
  [{ config: 'none/such.yaml' }, 'none/such.yaml cannot be written: ENOENT'],
])('a wrong option is refused: %j', async (options, message) => {
  await expect(run(options)).rejects.toThrow(message);
  await expect(read()).rejects.toThrow('ENOENT');
});

describe('on a terminal', () => {
  /** Answers the questions, one line each. @returns what the terminal shows */
  async function answer(lines: readonly string[], options: Partial<InitOptions> = {}): Promise<string> {
    const terminal = { input: new PassThrough(), output: new PassThrough() };
    terminal.input.end(lines.map((line) => `${line}\n`).join(''));
    expect(await run(options, terminal)).toBe(0);
    return String(terminal.output.read());
  }

  test('it asks for the API, the style and the client', async () => {
    const shown = await answer(['http://localhost:3000', 'split', 'machine']);
    for (const name of [...styles, ...clients]) expect(shown).toContain(`  ${name} `);
    const { apis, clients: known } = await loadConfig(FILE);
    expect(apis).toMatchObject([{ upstream: 'http://localhost:3000', accessTokens: 'split' }]);
    expect(known[0]).toMatchObject({ id: 'machine' });
  });

  test('an empty answer, and the end of the input, are the defaults', async () => {
    await answer(['', '']);
    const { apis, clients: known } = await loadConfig(FILE);
    expect(apis).toMatchObject([{ resource: 'https://api.example.com', accessTokens: 'phantom' }]);
    expect(known[0]).toMatchObject({ id: 'spa' });
  });

  test('it asks again after a wrong answer', async () => {
    const shown = await answer(['', 'joined', 'opaque', '']);
    expect(shown).toContain('style: expected one of phantom, split, opaque, jwt; found "joined"');
    expect((await loadConfig(FILE)).apis[0]?.accessTokens).toBe('opaque');
  });

  test('it does not ask for what an option says', async () => {
    const shown = await answer(['jwt'], { api: 'http://localhost:3000', client: 'native' });
    expect(shown).not.toMatch(/Origin of your API|Kind of client/);
    expect((await loadConfig(FILE)).apis[0]?.accessTokens).toBe('jwt');
  });
});
