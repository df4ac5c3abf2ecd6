import { type IncomingMessage, type RequestListener, request } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { startForTest } from '@tallystick/testing/on_test_finished';
import { schemaFor } from '../../config/config_schema.ts';
import { checkConfig } from '../../config/load_config.ts';
import type { ConfigInput } from '../../config/schema.ts';
import { startTallystick, type Tallystick } from '../start_tallystick.ts';
import { createNamedIssuers } from './issuer_names.ts';

const resource = 'https://orders.example';
const BASIC = `Basic ${btoa('demo-service:demo-service-secret')}`;

const start = (config: ConfigInput = {}): Promise<Tallystick> =>
  startForTest(
    startTallystick({
      ...{ issuer: 'from-request', log: { level: 'silent' } },
      ...{ apis: [{ resource, accessTokens: 'jwt' }], ...config },
    }),
  );

interface Asked {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Sends a request to the authorization server under another name. */
function ask(
  { issuer }: Tallystick,
  host: string,
  path = '/.well-known/openid-configuration',
  { form, headers = {} }: { form?: Record<string, string>; headers?: Record<string, string> } = {},
): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const options = {
      method: form ? 'POST' : 'GET',
      headers: { Host: host, ...(form && { 'Content-Type': 'application/x-www-form-urlencoded' }), ...headers },
    };
    const asked = request(`${issuer.replace('localhost', '127.0.0.1')}${path}`, options, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      resolve({ status: response.statusCode ?? 0, body: text.startsWith('{') ? JSON.parse(text) : {} });
    });
    asked.on('error', reject).end(form && new URLSearchParams(form).toString());
  });
}

async function tokenAt(tallystick: Tallystick, host: string): Promise<string> {
  const form = { grant_type: 'client_credentials', resource };
  const { body } = await ask(tallystick, host, '/token', { form, headers: { Authorization: BASIC } });
  return String(body.access_token);
}

describe('the issuer is the address that the client asks for', () => {
  test.each(['127.0.0.1:18080', 'localhost:49153', '[::1]:1', 'as.localhost', 'LOCALHOST:80'])('%s', async (host) => {
    const { status, body } = await ask(await start(), host);
    const issuer = new URL(`http://${host}`).origin;
    expect([status, body]).toEqual([200, expect.objectContaining({ issuer, token_endpoint: `${issuer}/token` })]);
  });

  test('a name in allowedHosts', async () => {
    const tallystick = await start({ allowedHosts: ['tallystick'] });
    expect((await ask(tallystick, 'tallystick:4000')).body.issuer).toBe('http://tallystick:4000');
  });

  test('the tokens have it', async () => {
    const [, payload = ''] = (await tokenAt(await start(), 'localhost:49153')).split('.');
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString()).iss).toBe('http://localhost:49153');
  });

  test('the hooks of a test apply to it', async () => {
    const tallystick = await start();
    tallystick.hooks.accessToken(({ payload }) => Object.assign(payload, { tier: 'gold' }));
    const [, payload = ''] = (await tokenAt(tallystick, 'localhost:49153')).split('.');
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ tier: 'gold' });
  });

  test.each(['localhost', '0.0.0.0'])('no other name is one, also if the server listens on %s', async (host) => {
    const { status, body } = await ask(await start({ host }), 'evil.example');
    expect([status, body.error]).toEqual([421, 'misdirected_request']);
  });
});

describe('behind a proxy', () => {
  const forwarded = { 'X-Forwarded-Host': 'login.localhost', 'X-Forwarded-Proto': 'https' };
  const at = (tallystick: Tallystick, headers: Record<string, string>) =>
    ask(tallystick, 'localhost:1', undefined, { headers });

  test('that is trusted, the issuer is the address at the proxy', async () => {
    expect((await at(await start(), forwarded)).body.issuer).toBe('https://login.localhost');
  });

  test('that is not trusted, its headers have no effect', async () => {
    const tallystick = await start({ authorizationServer: { trustedProxies: ['192.0.2.1'] } });
    expect((await at(tallystick, forwarded)).body.issuer).toBe('http://localhost:1');
  });

  test.each([
    ['a name that is not allowed', { 'X-Forwarded-Host': 'evil.example' }],
    ['two names', { 'X-Forwarded-Host': 'localhost, evil.example' }],
    ['another scheme', { 'X-Forwarded-Proto': 'javascript' }],
    ['a path', { 'X-Forwarded-Host': 'localhost/x' }],
  ])('%s is refused', async (_what, headers) => {
    expect((await at(await start(), headers)).status).toBe(421);
  });
});

describe('each issuer', () => {
  test('has its own keys, and does not know the tokens of another', async () => {
    const tallystick = await start({
      apis: [{ resource, accessTokens: 'phantom' }],
      clients: [
        { id: 'demo-service', secret: 'demo-service-secret', grants: ['client_credentials'], introspects: true },
      ],
    });
    const [one, two] = ['localhost:1', 'localhost:2'];
    const token = await tokenAt(tallystick, String(one));
    const introspect = async (host: string | undefined) => {
      const options = { form: { token }, headers: { Authorization: BASIC } };
      return (await ask(tallystick, String(host), '/token/introspection', options)).body.active;
    };
    expect([await introspect(one), await introspect(two)]).toEqual([true, false]);
    const keysAt = async (host: string | undefined) => (await ask(tallystick, String(host), '/jwks')).body.keys;
    expect(await keysAt(one)).not.toEqual(await keysAt(two));
  });

  test('has the clients, users and APIs that change at run time', async () => {
    const tallystick = await start();
    await ask(tallystick, 'localhost:1'); // Exists before the change.
    await tallystick.clients.put({ id: 'late', secret: 'late-secret', grants: ['client_credentials'] });
    const headers = { Authorization: `Basic ${btoa('late:late-secret')}` };
    const form = { grant_type: 'client_credentials', resource };
    for (const host of ['localhost:1', 'localhost:2'])
      expect([host, (await ask(tallystick, host, '/token', { form, headers })).status]).toEqual([host, 200]);
    await tallystick.clients.remove('late');
    expect((await ask(tallystick, 'localhost:1', '/token', { form, headers })).status).toBe(401);
  });
});

test('the gateway serves tokens of its own issuer only', async () => {
  const tallystick = await start();
  const { host } = new URL(tallystick.issuer);
  const statusWith = async (token: string) =>
    (await fetch(tallystick.gatewayUrl, { headers: { Authorization: `Bearer ${token}` } })).status;
  expect(await statusWith(await tokenAt(tallystick, host))).toBe(200);
  expect(await statusWith(await tokenAt(tallystick, 'localhost:49153'))).toBe(401);
});

describe('from-request is refused', () => {
  const secret = 'a-secret-of-at-least-32-characters';

  test('with a store that processes share', () => {
    expect(() => checkConfig({ issuer: 'from-request', secret, store: { url: 'redis://localhost' } })).toThrow(
      'issuer: expected a URL: from-request is for development, with the store "memory:"; found "from-request"',
    );
  });

  test.each(['gateway', 'sample-api'] as const)('for the role %s alone', (role) => {
    const { error } = schemaFor(role).safeParse({ issuer: 'from-request' });
    expect(error?.issues[0]?.message).toMatch(/^expected a URL: this role alone does not know/);
  });
});

test('a complete configuration stays the same', () => {
  const complete = checkConfig({ issuer: 'from-request' });
  expect(complete).toMatchObject({ issuer: 'http://localhost:4000', issuerFromRequest: true });
  expect(checkConfig(complete)).toEqual(complete);
});

describe('the number of issuers', () => {
  const handler: RequestListener = () => {};

  /** Asks for issuers one after another. @returns the names that were created */
  async function createdFor(names: readonly string[]): Promise<string[]> {
    const created: string[] = [];
    let asked = '';
    const { handler: serve } = createNamedIssuers({
      first: { issuer: 'first', server: { handler } },
      find: () => asked,
      create: async (issuer) => {
        created.push(issuer);
        return { handler };
      },
      failed: () => {},
    });
    for (const name of names) {
      asked = name;
      serve({} as IncomingMessage, {} as never);
    }
    return created;
  }
  const many = Array.from({ length: 16 }, (_, index) => `${index}`);

  test('is bounded: the one that was not used for longest is created again', async () => {
    expect(await createdFor(['a', ...many, 'a'])).toEqual(['a', ...many, 'a']);
    expect(await createdFor(['a', ...many.slice(1), 'a', 'b', 'a'])).toEqual(['a', ...many.slice(1), 'b']);
  });

  test('does not include the first one', async () => {
    expect(await createdFor(['first', ...many, 'first'])).toEqual(many);
  });
});
