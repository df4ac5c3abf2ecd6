import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { requirement } from '../requirements/index.ts';
import { demoBank, pollBackchannel, startBackchannel } from '../support/clients/backchannel.ts';
import { call } from '../support/clients/clients.ts';
import { type Controlled, startControlled } from '../support/worlds/controlled.ts';

let world: Controlled;
beforeAll(async () => {
  world = await startControlled();
});
afterAll(() => world.stop());

const decide = (authReqId: string, decision: string) =>
  world.control('POST', '/backchannel-requests/decisions', { authReqId, decision });

test(requirement('ciba-by-control', 'approved'), async () => {
  const client = await demoBank(world);
  const started = await startBackchannel(world, client, { style: 'split', user: 'alice', message: 'PAY-1' });
  const { body } = await world.control('GET', '/backchannel-requests?user=alice');
  expect(body.requests).toMatchObject([
    { clientId: 'demo-bank', bindingMessage: 'PAY-1', scopes: expect.arrayContaining(['read']) },
  ]);
  expect((await decide(started.auth_req_id, 'approve')).status).toBe(204);
  const tokens = await pollBackchannel(world, client, started);
  expect((await call(world.gateways[0], 'split', tokens.access_token)).status).toBe(200);
  expect((await world.control('GET', '/backchannel-requests?user=alice')).body.requests).toEqual([]);
});

test(requirement('ciba-by-control', 'denied'), async () => {
  const client = await demoBank(world);
  const started = await startBackchannel(world, client, { style: 'split', user: 'bob', message: 'PAY-2' });
  expect((await decide(started.auth_req_id, 'deny')).status).toBe(204);
  await expect(pollBackchannel(world, client, started)).rejects.toMatchObject({ error: 'access_denied' });
  const again = await decide(started.auth_req_id, 'approve');
  expect([again.status, again.body.path]).toEqual([400, 'authReqId']);
});

test(requirement('ciba-by-control', 'unknown'), async () => {
  const unknown = await decide('nobody-asked', 'approve');
  expect([unknown.status, unknown.body.path]).toEqual([400, 'authReqId']);
  const undecided = await decide('nobody-asked', 'perhaps');
  expect([undecided.status, undecided.body.path]).toEqual([400, 'decision']);
});

test.each([-7200, 7200])(requirement('ciba-by-control', 'with the clock moved by %d seconds'), async (seconds) => {
  await world.control('POST', '/clock/advance', { seconds });
  const client = await demoBank(world);
  const started = await startBackchannel(world, client, { style: 'phantom', user: 'alice', message: 'PAY-3' });
  expect((await decide(started.auth_req_id, 'approve')).status).toBe(204);
  // openid-client would refuse the ID token, because its clock did not move.
  const polled = await fetch(`${world.issuer}/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('demo-bank:demo-bank-secret')}` },
    body: new URLSearchParams({
      grant_type: 'urn:openid:params:grant-type:ciba',
      auth_req_id: started.auth_req_id,
    }),
  });
  const { access_token: token } = (await polled.json()) as { access_token: string };
  world.log.secret(token);
  expect((await call(world.gateways[0], 'phantom', token)).status).toBe(200);
  await world.control('DELETE', '/clock');
});
