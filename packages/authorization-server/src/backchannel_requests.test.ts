import { afterEach, expect, test } from '@jest/globals';
import { startTestServer, type TestServer, testClient } from './testing/test_server.ts';

const PING = 'https://bank.example.com/ping';
const CIBA = 'urn:openid:params:grant-type:ciba';

let server: TestServer;
afterEach(() => server.stop());

interface Ping {
  readonly url: string;
  readonly authorization: string | null;
  readonly body: string;
}

/** A server with a client that wants to be pinged, and what it was sent. */
async function start(answer = 204): Promise<Ping[]> {
  const pings: Ping[] = [];
  const bank = testClient({
    id: 'bank',
    secret: 'bank-secret',
    grants: ['ciba'],
    metadata: { backchannel_token_delivery_mode: 'ping', backchannel_client_notification_endpoint: PING },
  });
  server = await startTestServer(
    (config) => ({ ...config, clients: [...config.clients, bank] }),
    async (url, options = {}) => {
      const authorization = new Headers(options.headers).get('authorization');
      pings.push({ url: String(url), authorization, body: String(options.body) });
      return new Response(null, { status: answer });
    },
  );
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

test('an approved request is redeemed once, and its client was pinged', async () => {
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

test('a denied request is denied to its client, which was pinged too', async () => {
  const pings = await start();
  const id = await ask();
  await server.backchannelRequests.deny(id);
  expect(await server.backchannelRequests.pending('alice')).toEqual([]);
  await expect(server.backchannelRequests.approve(id)).rejects.toMatchObject({ error: 'invalid_request' });
  expect(pings).toHaveLength(1);
  expect(await redeem(id)).toMatchObject({ error: 'access_denied' });
});

test('a request is decided once', async () => {
  await start();
  const id = await ask();
  await server.backchannelRequests.approve(id);
  expect(await server.backchannelRequests.pending('alice')).toEqual([]);
  await expect(server.backchannelRequests.deny(id)).rejects.toMatchObject({ error: 'invalid_request' });
  await expect(server.backchannelRequests.approve('unknown')).rejects.toMatchObject({ error: 'invalid_request' });
});

test('a client that cannot be pinged can still ask', async () => {
  const pings = await start(500);
  const id = await ask();
  await server.backchannelRequests.approve(id);
  expect(pings).toHaveLength(1);
  expect(await redeem(id)).toMatchObject({ access_token: expect.any(String) });
});
