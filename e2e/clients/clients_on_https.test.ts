import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createCa } from '@tallystick/testing/certificates';
import { cookiesSetBy } from '@tallystick/testing/cookie_jar';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import { until } from '@tallystick/testing/until';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { type TlsClient, tlsClient } from '../support/clients/tls_client.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';

const REDIRECT_URI = 'https://app.example.com/callback';

let folder: string;
let world: OneProcess;
let client: TlsClient;
/** The client's server. A CA that the configuration names issued its certificate. */
let app: ListeningServer;
let calls: { request: IncomingMessage; body: string }[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tallystick-'));
  const ca = await createCa('Example CA');
  calls = [];
  const certificate = await ca.certify({
    subject: 'CN=localhost',
    alternatives: [{ type: 'dns', value: 'localhost' }],
  });
  const server = createServer(certificate, async (request, response) => {
    calls.push({ request, body: await text(request) });
    if (request.method === 'POST') response.writeHead(204).end();
    else response.setHeader('Content-Type', 'application/json').end(JSON.stringify(metadata()));
  });
  app = await listen(server, { host: 'localhost' });
  world = await startOneProcess((config) => ({
    ...config,
    issuer: 'https://localhost:4000',
    tls: { selfMade: true, directory: folder, ca: ca.cert },
    clients: [
      ...config.clients,
      {
        id: 'pinged',
        secret: 'pinged-secret',
        grants: ['ciba'],
        metadata: {
          backchannel_token_delivery_mode: 'ping',
          backchannel_client_notification_endpoint: `${app.origin}/ping`,
        },
      },
    ],
  }));
  client = tlsClient(String(world.tallystick.ca));
});
afterAll(async () => {
  await client?.close();
  await world?.stop();
  await app?.stop();
  await rm(folder, { recursive: true });
});

const metadata = () => ({
  client_id: `${app.origin}/client.json`,
  client_name: 'An application',
  redirect_uris: [REDIRECT_URI],
  token_endpoint_auth_method: 'none',
});

test(requirement('backchannel-ping'), async () => {
  const configuration = await oidc.discovery(
    new URL(world.issuer),
    'pinged',
    undefined,
    oidc.ClientSecretBasic('pinged-secret'),
    { [oidc.customFetch]: client.fetch as oidc.CustomFetch },
  );
  const started = await oidc.initiateBackchannelAuthentication(configuration, {
    scope: 'openid',
    login_hint: 'alice',
    client_notification_token: 'the-notification-token',
  });
  await world.tallystick.backchannelRequests.approve(started.auth_req_id);
  const { request, body } = await until(() => calls.find((call) => call.request.url === '/ping'));
  expect(request.headers.authorization).toBe('Bearer the-notification-token');
  expect(JSON.parse(body)).toEqual({ auth_req_id: started.auth_req_id });
  const tokens = await oidc.pollBackchannelAuthenticationGrant(configuration, { ...started, interval: 0.05 });
  world.log.secret(started.auth_req_id, 'the-notification-token', tokens.access_token, tokens.id_token);
  expect(tokens.claims()?.sub).toBe('alice');
});

test(requirement('metadata-document'), async () => {
  const query = new URLSearchParams({
    client_id: metadata().client_id,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: 'openid',
    code_challenge: 'A'.repeat(43),
    code_challenge_method: 'S256',
  });
  const answer = await client.fetch(`${world.issuer}/auth?${query}`, { redirect: 'manual' });
  expect(answer.status).toBe(303);
  const location = new URL(String(answer.headers.get('location')), world.issuer);
  const page = await client.fetch(location, { headers: { Cookie: cookiesSetBy(answer) } });
  expect(await page.text()).toContain('An application');
  expect(calls.some(({ request }) => request.url === '/client.json')).toBe(true);
});
