import { afterEach, expect, test } from '@jest/globals';
import type { Records, TokenStore } from '@tallystick/token-store';
import type { ReuseGraceConfig } from '../config/config.ts';
import { startTestServer, type TestServer, testClient } from '../testing/test_server.ts';

const CIBA = 'urn:openid:params:grant-type:ciba';

let server: TestServer;
afterEach(() => server.stop());

/** If set: the number of requests that read the record before the first one continues. */
let atOnce: number;
/** Seconds since the first use, as the server sees it. */
let age: number;

async function start(reuseGrace: Partial<ReuseGraceConfig>): Promise<void> {
  [atOnce, age] = [1, 0];
  const grants = ['ciba', 'refresh_token'] as const;
  const metadata = { backchannel_token_delivery_mode: 'poll' };
  server = await startTestServer((config) => ({
    ...config,
    reuseGrace: { ...config.reuseGrace, ...reuseGrace },
    clients: [...config.clients, testClient({ id: 'bank', secret: 'bank-secret', grants, metadata })],
  }));
  const records: TokenStore['records'] = (kind, secret) => observed(server.store.records(kind, secret), kind);
  await server.replaceWithAnother({ ...server.store, records });
}

function observed(records: Records, kind: string): Records {
  let waiting: (() => void)[] = [];
  if (kind !== 'RefreshToken' && kind !== 'BackchannelAuthenticationRequest') return records;
  return {
    ...records,
    async find(id) {
      const found = await records.find(id);
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length < atOnce) return;
        for (const goOn of waiting) goOn();
        [waiting, atOnce] = [[], 1];
      });
      return typeof found?.consumed === 'number' ? { ...found, consumed: found.consumed - age } : found;
    },
  };
}

interface Answer {
  readonly access_token?: string;
  readonly refresh_token?: string;
  readonly error?: string;
}

async function post(
  path: string,
  form: Record<string, string>,
  client = 'bank',
): Promise<Answer & Record<string, unknown>> {
  const headers = { Authorization: `Basic ${btoa(`${client}:${client}-secret`)}` };
  const answer = await fetch(server.issuer + path, { method: 'POST', headers, body: new URLSearchParams(form) });
  return (await answer.json()) as Answer & Record<string, unknown>;
}

/** Token request parameters with a code or refresh token that the request consumes. */
const USED_UP = {
  async code() {
    const { auth_req_id: id } = await post('/backchannel', { scope: 'openid', login_hint: 'alice' });
    await server.backchannelRequests.approve(String(id));
    return { grant_type: CIBA, auth_req_id: String(id) };
  },
  async refreshToken() {
    const { refresh_token: token } = await post('/token', await USED_UP.code());
    return { grant_type: 'refresh_token', refresh_token: String(token) };
  },
};

const isActive = async (token: unknown) =>
  (await post('/token/introspection', { token: String(token) }, 'gateway')).active;

test.each([
  ['code', 'at the same moment', {}, 0, false],
  ['code', 'just after', {}, 0, false],
  ['code', 'at the same moment', { code: 5 }, 0, true],
  ['code', 'just after', { code: 5 }, 0, true],
  ['code', 'later', { code: 5 }, 6, false],
  ['refreshToken', 'at the same moment', {}, 0, true],
  ['refreshToken', 'just after', {}, 0, true],
  ['refreshToken', 'later', {}, 6, false],
  ['refreshToken', 'at the same moment', { refreshToken: 0 }, 0, false],
  ['refreshToken', 'just after', { refreshToken: 0 }, 0, false],
] as const)(
  'a second use of a %s, %s, with the grace period %j after %d s keeps the tokens of the first use: %s',
  async (kind, when, grace, seconds, lives) => {
    await start(grace);
    const form = await USED_UP[kind]();
    age = seconds;
    if (when === 'at the same moment') atOnce = 2;
    const first = post('/token', form);
    if (when !== 'at the same moment') await first;
    const answers = await Promise.all([first, post('/token', form)]);
    const got = answers.filter(({ access_token: token }) => token !== undefined);
    const refused = answers.filter(({ error }) => error === 'invalid_grant');
    expect([got.length, refused.length]).toEqual([1, 1]);
    expect(await isActive(got[0]?.access_token)).toBe(lives);
    const next = await post('/token', { grant_type: 'refresh_token', refresh_token: String(got[0]?.refresh_token) });
    expect(next.error).toBe(lives ? undefined : 'invalid_grant');
  },
);

test('a client can revoke with a just consumed refresh token, whatever the grace period is', async () => {
  await start({});
  const form = await USED_UP.refreshToken();
  const { access_token: token } = await post('/token', form);
  const headers = { Authorization: `Basic ${btoa('bank:bank-secret')}` };
  const body = new URLSearchParams({ token: form.refresh_token });
  expect((await fetch(`${server.issuer}/token/revocation`, { method: 'POST', headers, body })).status).toBe(200);
  expect(await isActive(token)).toBe(false);
});
