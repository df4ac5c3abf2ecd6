import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TOKEN_PROBLEM_HEADER, TOKEN_PROBLEMS, type TokenProblem } from '@tallystick/common';
import { tokenKey } from '@tallystick/token-store';
import { resourceOf, startTestServer, type TestServer, testClient } from '../testing/test_server.ts';
import { createRecentTokens } from './recent_tokens.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const silent = { debug() {}, info() {}, warn() {}, error() {} };

let server: TestServer;
let time = Date.now();
const lines: Record<string, unknown>[] = [];

beforeAll(async () => {
  server = await startTestServer(
    (config) => ({
      ...config,
      clients: [
        ...config.clients,
        testClient({ id: 'partial', secret: 'partial-secret', introspects: [resourceOf('jwt')] }),
        testClient({ id: 'none', secret: 'none-secret' }),
      ],
    }),
    {
      now: () => time,
      log: { ...silent, info: (fields, message) => void lines.push({ ...fields, message }) },
    },
  );
});
afterAll(() => server.stop());

function post(
  path: string,
  parameters: Record<string, string>,
  client: string,
  headers: Record<string, string> = {},
  issuer = server.issuer,
) {
  return fetch(issuer + path, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa(`${client}:${client}-secret`)}`, ...headers },
    body: new URLSearchParams(parameters),
  });
}

async function issued(style: 'jwt' | 'opaque' | 'phantom' | 'split'): Promise<string> {
  const parameters = { grant_type: 'client_credentials', resource: resourceOf(style), scope: 'read' };
  const { access_token: token } = (await (await post('/token', parameters, 'service')).json()) as Record<
    string,
    string
  >;
  return String(token);
}

/** Introspects and returns the header and the fields of the log line. */
async function introspected(token: string, client = 'gateway', accept = 'application/json', issuer = server.issuer) {
  lines.length = 0;
  const headers = { Accept: accept, traceparent: `00-${TRACE}-b7ad6b7169203331-01` };
  const response = await post('/token/introspection', { token }, client, headers, issuer);
  const line = lines.find(({ message }) => message === 'introspected token is not active');
  return { response, header: response.headers.get(TOKEN_PROBLEM_HEADER), line };
}

const lineOf = (token: string, client: string, tokenProblem: TokenProblem) => ({
  message: 'introspected token is not active',
  client,
  tokenKey: tokenKey(token).slice(0, 8),
  tokenProblem,
  detail: TOKEN_PROBLEMS[tokenProblem],
  trace_id: TRACE,
});

async function expectProblem(token: string, problem: TokenProblem, client = 'gateway'): Promise<void> {
  for (const accept of ['application/json', 'application/jwt']) {
    const { response, header, line } = await introspected(token, client, accept);
    expect(header).toBe(problem);
    expect(line).toEqual(lineOf(token, client, problem));
    // RFC 7662 section 2.2: the response itself does not say why.
    expect(await response.text()).toBe(accept === 'application/jwt' ? '' : '{"active":false}');
    expect(JSON.stringify(lines)).not.toContain(token);
  }
}

describe.each(['jwt', 'phantom', 'split', 'opaque'] as const)(
  'the log says of a %s token why it is not active',
  (style) => {
    test('it has expired', async () => {
      const token = await issued(style);
      const before = time;
      time += 24 * 3_600_000;
      await expectProblem(token, 'expired');
      time = before;
    });

    test('the client that introspects lacks `introspects`', async () => {
      await expectProblem(await issued(style), 'not_introspectable', 'none');
      if (style !== 'jwt') await expectProblem(await issued(style), 'not_introspectable', 'partial');
    });

    test('nothing, if it is active', async () => {
      const { header, line } = await introspected(await issued(style));
      expect([header, line]).toEqual([null, undefined]);
    });
  },
);

test.each(['phantom', 'split', 'opaque'] as const)('a %s token was revoked', async (style) => {
  const token = await issued(style);
  await post('/token/revocation', { token }, 'service');
  await expectProblem(token, 'revoked');
});

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const header = { alg: 'ES256', typ: 'at+jwt' };
const later = Math.floor(Date.now() / 1000) + 3600;

test.each<[string, () => string, TokenProblem]>([
  ['a reference that nobody issued', () => 'x'.repeat(43), 'unknown'],
  ['a JWT of another issuer', () => `${encode(header)}.${encode({ iss: 'https://x', exp: later })}.x`, 'other_issuer'],
  ['a forged JWT', () => `${encode(header)}.${encode({ iss: server.issuer, exp: later })}.x`, 'wrong_signature'],
  [
    'a forged JWT that is old',
    () => `${encode(header)}.${encode({ iss: server.issuer, exp: 1 })}.x`,
    'wrong_signature',
  ],
  [
    'a JWT of another type',
    () => `${encode({ alg: 'ES256' })}.${encode({ iss: server.issuer, exp: later })}.x`,
    'wrong_type',
  ],
  ['a JWT without JSON', () => 'a.b.c', 'malformed'],
])('the log says what is wrong with %s', async (_what, token, problem) => {
  await expectProblem(token(), problem);
});

test('an issuer that is not on this machine says nothing in the response, and the same in the log', async () => {
  const production = await startTestServer((config) => ({ ...config, issuer: 'https://as.example.com' }), {
    log: { ...silent, info: (fields, message) => void lines.push({ ...fields, message }) },
  });
  const { response, header, line } = await introspected(
    'x'.repeat(43),
    'gateway',
    'application/json',
    production.issuer,
  );
  expect(header).toBeNull();
  expect(await response.text()).toBe('{"active":false}');
  expect(line).toEqual(lineOf('x'.repeat(43), 'gateway', 'unknown'));
  await production.stop();
});

test('the memory of recent tokens is bounded, and forgets the oldest', () => {
  const recent = createRecentTokens({ now: () => 2_000 });
  const first = tokenKey('token 0');
  for (let index = 0; index < 10_000; index += 1) recent.issued({ jti: `token ${index}`, exp: 1 });
  expect(recent.problemOf(first)).toBe('expired');
  recent.issued({ jti: 'one more', exp: 1 });
  expect(recent.problemOf(first)).toBeUndefined();
  recent.issued({ jti: 'granted', exp: 9, grantId: 'a' });
  expect(recent.problemOf(tokenKey('granted'))).toBeUndefined();
  recent.grantRevoked('a');
  expect(recent.problemOf(tokenKey('granted'))).toBe('revoked');
});
