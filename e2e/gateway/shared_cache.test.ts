import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import { tokenKey } from '@tallystick/token-store';
import { decodeJwt } from 'jose';
import { requirement } from '../requirements/index.ts';
import { call, serviceToken, shown } from '../support/clients/clients.ts';
import { signIn } from '../support/clients/sign_in.ts';
import { type ManyProcesses, startManyProcesses } from '../support/worlds/many_processes.ts';

let world: ManyProcesses;
beforeAll(async () => {
  world = await startManyProcesses({ environment: { TALLYSTICK_GATEWAY_CACHE_SHARED: 'true' } });
});
afterAll(() => world?.stop());

const introspections = () => world.loadBalancer.count('/token/introspection');
const answerKey = (token: string) => `${world.prefix}{${tokenKey(token)}}:answer`;
const isShared = async (token: string) => (await world.redis.exists(answerKey(token))) === 1;

async function revoke(token: string): Promise<void> {
  const answer = await fetch(`${world.issuer}/token/revocation`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('demo-service:demo-service-secret')}` },
    body: new URLSearchParams({ token }),
  });
  expect(answer.status).toBe(200);
}

const statuses = (token: string) =>
  Promise.all(world.gateways.map(async (gateway) => (await call(gateway, 'phantom', token)).status));

test(requirement('shared-cache'), async () => {
  const [first, second] = world.gateways as [string, string];
  const token = await serviceToken(world, 'phantom');
  const before = introspections();
  const atFirst = await shown(first, 'phantom', token);
  await until(() => isShared(token));
  const atSecond = await shown(second, 'phantom', token);
  expect(introspections() - before).toBe(1);
  expect(atSecond.headers.authorization).toBe(atFirst.headers.authorization);
  const remaining = Number(atFirst.claims.exp) - Date.now() / 1000;
  expect(await world.redis.ttl(answerKey(token))).toBeLessThanOrEqual(Math.min(60, remaining));
});

test(requirement('shared-cache-sealed'), async () => {
  const { tokens } = await signIn(world, { style: 'phantom' });
  const token = tokens.access_token;
  const { headers } = await shown(world.gateways[0], 'phantom', token);
  await until(() => isShared(token));
  const jwt = String(headers.authorization).replace('Bearer ', '');
  const claims = decodeJwt(jwt);
  expect(claims).toMatchObject({ email: 'alice@example.com', ssn: '078-05-1120' });
  const dump = await world.dump();
  expect(dump).toContain(answerKey(token));
  const parts = [token, jwt, ...jwt.split('.'), 'alice@example.com', '078-05-1120', String(claims.jti)];
  expect(parts.filter((part) => dump.includes(part))).toEqual([]);
});

test(requirement('shared-cache-revoked'), async () => {
  const token = await serviceToken(world, 'phantom');
  expect(await statuses(token)).toEqual([200, 200]);
  await until(() => isShared(token));
  await revoke(token);
  expect(await isShared(token)).toBe(false);
  await until(async () => (await statuses(token)).every((status) => status === 401));
  expect(await statuses(token)).toEqual([401, 401]);
});

test(requirement('shared-cache-revoked', 'during many concurrent lookups'), async () => {
  const tokens = await Promise.all(Array.from({ length: 40 }, () => serviceToken(world, 'phantom')));
  await Promise.all(
    tokens.map(async (token, index) => {
      const calls = [statuses(token), statuses(token)];
      // The time from before the introspections until after the gateways shared the answers.
      await new Promise((resolve) => setTimeout(resolve, index));
      await revoke(token);
      await Promise.all(calls);
      await until(async () => (await statuses(token)).every((status) => status === 401));
    }),
  );
  for (const token of tokens) {
    expect(await statuses(token)).toEqual([401, 401]);
    expect(await isShared(token)).toBe(false);
  }
});

test(requirement('shared-cache', 'a gateway that cannot read a shared answer introspects the token'), async () => {
  const [first, second] = world.gateways as [string, string];
  const token = await serviceToken(world, 'phantom');
  await shown(first, 'phantom', token);
  await until(() => isShared(token));
  await world.redis.set(answerKey(token), 'sealed:AAAA', 'EX', 60);
  const before = introspections();
  await shown(second, 'phantom', token);
  expect(introspections() - before).toBe(1);
});
