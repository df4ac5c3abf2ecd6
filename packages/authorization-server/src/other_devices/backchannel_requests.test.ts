import { createHmac } from 'node:crypto';
import { afterEach, expect, test } from '@jest/globals';
import { tokenKey } from '@tallystick/token-store';
import { createAuthorizationServer } from '../create_authorization_server.ts';
import { silent, startTestServer, type TestServer, testClient } from '../testing/test_server.ts';

const PING = 'https://bank.example.com/ping';
const CIBA = 'urn:openid:params:grant-type:ciba';

let server: TestServer;
afterEach(() => server.stop());

interface Ping {
  readonly url: string;
  readonly authorization: string | null;
  readonly body: string;
}

/** A server with a client in ping mode, and the notifications that it received. */
async function start(answer = 204): Promise<Ping[]> {
  const pings: Ping[] = [];
  const bank = testClient({
    id: 'bank',
    secret: 'bank-secret',
    grants: ['ciba'],
    metadata: { backchannel_token_delivery_mode: 'ping', backchannel_client_notification_endpoint: PING },
  });
  server = await startTestServer((config) => ({ ...config, clients: [...config.clients, bank] }), {
    fetch: async (url, options = {}) => {
      const authorization = new Headers(options.headers).get('authorization');
      pings.push({ url: String(url), authorization, body: String(options.body) });
      return new Response(null, { status: answer });
    },
  });
  return pings;
}

async function post(path: string, form: Record<string, string>): Promise<Record<string, string>> {
  const headers = { Authorization: `Basic ${btoa('bank:bank-secret')}` };
  const answer = await fetch(server.issuer + path, { method: 'POST', headers, body: new URLSearchParams(form) });
  return (await answer.json()) as Record<string, string>;
}

async function ask(): Promise<string> {
  const asked = { scope: 'openid', login_hint: 'alice', client_notification_token: 'notify', binding_message: 'hello' };
  return String((await post('/backchannel', asked)).auth_req_id);
}

const redeem = (id: string) => post('/token', { grant_type: CIBA, auth_req_id: id });

test('an approved request pings its client and can be redeemed once', async () => {
  const pings = await start();
  const id = await ask();
  expect(await redeem(id)).toMatchObject({ error: 'authorization_pending' });
  const [pending] = await server.backchannelRequests.pending('alice');
  expect(pending).toMatchObject({ clientId: 'bank', bindingMessage: 'hello', scopes: ['openid'] });
  expect(JSON.stringify(pending)).not.toContain(id);
  await server.backchannelRequests.approve(id);
  expect(pings).toEqual([{ url: PING, authorization: 'Bearer notify', body: JSON.stringify({ auth_req_id: id }) }]);
  expect(await redeem(id)).toMatchObject({ access_token: expect.any(String), id_token: expect.any(String) });
  expect(await redeem(id)).toMatchObject({ error: 'invalid_grant' });
});

test('a denied request pings its client, which gets access_denied', async () => {
  const pings = await start();
  const id = await ask();
  await server.backchannelRequests.deny(id);
  expect(await server.backchannelRequests.pending('alice')).toEqual([]);
  await expect(server.backchannelRequests.approve(id)).rejects.toMatchObject({ error: 'invalid_request' });
  expect(pings).toHaveLength(1);
  expect(await redeem(id)).toMatchObject({ error: 'access_denied' });
});

test('a request can be decided once', async () => {
  await start();
  const id = await ask();
  await server.backchannelRequests.approve(id);
  expect(await server.backchannelRequests.pending('alice')).toEqual([]);
  await expect(server.backchannelRequests.deny(id)).rejects.toMatchObject({ error: 'invalid_request' });
  await expect(server.backchannelRequests.approve('unknown')).rejects.toMatchObject({ error: 'invalid_request' });
});

test('a client that cannot be pinged can still poll', async () => {
  const pings = await start(500);
  const id = await ask();
  await server.backchannelRequests.approve(id);
  expect(pings).toHaveLength(1);
  expect(await redeem(id)).toMatchObject({ access_token: expect.any(String) });
});

test.each(['approve and deny', 'approve twice'])('only one of two concurrent decisions succeeds: %s', async (which) => {
  await start();
  const { store, backchannelRequests } = server;
  const another = await createAuthorizationServer(server.configuration.current(), { store, log: silent });
  for (let round = 0; round < 25; round++) {
    const id = await ask();
    const decisions = [
      () => backchannelRequests.approve(id),
      () =>
        which === 'approve twice' ? another.backchannelRequests.approve(id) : another.backchannelRequests.deny(id),
    ];
    const outcomes = await Promise.allSettled((round % 2 ? decisions : decisions.reverse()).map((decide) => decide()));
    const lost = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason.error);
    expect(lost).toEqual(['invalid_request']);
    const approvedAt = which === 'approve twice' ? [0, 1] : [round % 2 ? 0 : 1];
    const isApproved = approvedAt.some((place) => outcomes[place]?.status === 'fulfilled');
    expect(await redeem(id)).toMatchObject(
      isApproved ? { access_token: expect.any(String) } : { error: 'access_denied' },
    );
  }
});

test('the handle of a request is equal on all servers with the secret, and cannot be computed by the client', async () => {
  await start();
  const { store } = server;
  const id = await ask();
  const [{ handle } = { handle: '' }] = await server.backchannelRequests.pending('alice');
  const same = await createAuthorizationServer(server.configuration.current(), { store, log: silent });
  expect((await same.backchannelRequests.pending('alice')).map((pending) => pending.handle)).toEqual([handle]);
  for (const computed of [id, tokenKey(id), createHmac('sha256', id).update(id).digest('base64url')]) {
    expect(handle).not.toBe(computed);
  }
});
