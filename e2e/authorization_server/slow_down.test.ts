import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { decide, demoBank, pollBackchannel, startBackchannel } from '../support/clients/backchannel.ts';
import { connectDevice, demoTv, pollDevice, startDevice } from '../support/clients/device.ts';
import { type Controlled, startControlled } from '../support/worlds/controlled.ts';

let world: Controlled;
beforeAll(async () => {
  world = await startControlled();
});
afterAll(() => world.stop());
afterEach(() => world.tallystick.clock.reset());

const requestFor = (message: string) => ({ style: 'jwt', user: 'alice', message }) as const;

type Request = [oidc.Configuration, string, Record<string, string>];

async function startedDevice(): Promise<Request> {
  const client = await demoTv(world);
  const { device_code } = await startDevice(world, client, 'phantom');
  return [client, 'urn:ietf:params:oauth:grant-type:device_code', { device_code }];
}

async function startedBackchannel(): Promise<Request> {
  const client = await demoBank(world);
  const { auth_req_id } = await startBackchannel(world, client, requestFor('Never decided'));
  return [client, 'urn:openid:params:grant-type:ciba', { auth_req_id }];
}

test.each<[string, () => Promise<Request>]>([
  ['device code', startedDevice],
  ['backchannel', startedBackchannel],
])(requirement('slow-down', '%s: five seconds more each time'), async (_what, start) => {
  const request = await start();
  const answers: unknown[] = [];
  const pollAfter = async (seconds: number) => {
    world.tallystick.clock.advance(seconds);
    await oidc.genericGrantRequest(...request).catch((error) => answers.push(error.error));
  };
  for (const seconds of [0, 5, 5, 1, 9, 15, 15]) await pollAfter(seconds);
  expect(answers).toEqual([
    'authorization_pending',
    'authorization_pending',
    'authorization_pending',
    'slow_down', // 10 from now on
    'slow_down', // 15
    'authorization_pending',
    'authorization_pending',
  ]);
});

test(requirement('slow-down', 'openid-client slows down and gets its tokens'), async () => {
  const [tv, bank] = [await demoTv(world), await demoBank(world)];
  const device = await startDevice(world, tv, 'split');
  const backchannel = await startBackchannel(world, bank, requestFor('Are you there'));
  world.tallystick.requests.clear();
  const polled = [pollDevice(world, tv, device), pollBackchannel(world, bank, backchannel)] as const;
  const answers = () => world.tallystick.requests.list().filter(({ path }) => path === '/token').length;
  await until(() => answers() >= 4); // Each client got `authorization_pending` and `slow_down`.
  await connectDevice(world, device);
  await decide(world, { ...requestFor('Are you there'), decision: 'approve' });
  for (const tokens of await Promise.all(polled)) expect(tokens.claims()?.sub).toBe('alice');
  expect(answers()).toBe(6);
});
