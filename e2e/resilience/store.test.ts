import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { tokenKey } from '@tallystick/token-store';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { demoBank, startBackchannel } from '../support/clients/backchannel.ts';
import { call, demoService, serviceToken, shown } from '../support/clients/clients.ts';
import { connectDevice, demoTv, startDevice } from '../support/clients/device.ts';
import { authorize, signIn } from '../support/clients/sign_in.ts';
import { type ManyProcesses, startManyProcesses } from '../support/worlds/many_processes.ts';
import { resourceOf, STYLES } from '../support/worlds/world.ts';

describe('the store', () => {
  let world: ManyProcesses;
  beforeAll(async () => {
    world = await startManyProcesses();
  });
  afterAll(() => world.stop());

  const entryKey = (token: string) => `${world.prefix}{${tokenKey(token)}}:signing-input`;

  test(requirement('split-entry-at-rest'), async () => {
    const token = await serviceToken(world, 'split');
    const { headers, claims } = await shown(world.gateways[0], 'split', token);
    const entry = String(await world.redis.get(entryKey(token)));
    expect(entry).toMatch(/^sealed:[\w-]+$/);
    for (const part of String(headers.authorization).replace('Bearer ', '').split('.'))
      expect(entry).not.toContain(part);
    const remainingLife = Number(claims.exp) - Date.now() / 1000;
    const ttl = await world.redis.ttl(entryKey(token));
    expect(Math.abs(ttl - remainingLife)).toBeLessThan(3);
    expect(await world.redis.ttl(`${world.prefix}{${tokenKey(token)}}:ClientCredentials`)).toBe(ttl);
  });

  test(requirement('store-writer-gains-nothing', 'gateways have no secret and need none'), async () => {
    for (const style of STYLES) {
      const { tokens } = await signIn(world, { style });
      for (const gateway of world.gateways) expect((await call(gateway, style, tokens.access_token)).status).toBe(200);
    }
  });

  test(requirement('dump-holds-no-token'), async () => {
    const held: string[] = [];
    for (const style of ['opaque', 'phantom', 'split'] as const) {
      const { tokens, browser } = await signIn(world, { style });
      held.push(tokens.access_token, String(tokens.refresh_token), ...cookiesOf(browser, world.issuer));
      const { callback } = await authorize(world, { style });
      held.push(String(callback.searchParams.get('code')));
      held.push(await serviceToken(world, style));
      await call(world.gateways[0], style, tokens.access_token);
    }
    const dump = await world.dump();
    expect(held.every((value) => value.length > 20)).toBe(true);
    expect(held.filter((value) => dump.includes(value))).toEqual([]);
    expect(dump).toContain(tokenKey(String(held[0])));
  });

  test(requirement('dump-holds-no-token', 'devices, backchannel, pushed requests, registrations'), async () => {
    const device = await startDevice(world, await demoTv(world), 'split');
    await connectDevice(world, device);
    const started = await startBackchannel(world, await demoBank(world), {
      style: 'split',
      user: 'alice',
      message: 'hello',
    });
    let pushed = '';
    await authorize(world, {
      async send(client, parameters) {
        const url = await oidc.buildAuthorizationUrlWithPAR(client, parameters);
        pushed = String(url.searchParams.get('request_uri'));
        return url;
      },
    });
    const registration = await fetch(`${world.issuer}/reg`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ redirect_uris: ['https://app.example.com/'] }),
    });
    const registered = (await registration.json()) as Record<'client_secret' | 'registration_access_token', string>;
    world.log.secret(registered.client_secret, registered.registration_access_token, pushed);
    const held = [
      device.device_code,
      device.user_code,
      device.user_code.replace('-', ''),
      started.auth_req_id,
      pushed.replace(/^.*:/, ''),
      registered.client_secret,
      registered.registration_access_token,
    ];
    const dump = await world.dump();
    expect(held.every((value) => value.length >= 8)).toBe(true);
    expect(held.filter((value) => dump.includes(value))).toEqual([]);
    expect(dump).toContain(tokenKey(started.auth_req_id));
  });

  test(requirement('poisoned-entry'), async () => {
    const victim = await serviceToken(world, 'split', 'read');
    const { headers } = await shown(world.gateways[0], 'split', await serviceToken(world, 'split', 'read write'));
    const [header, payload] = String(headers.authorization).replace('Bearer ', '').split('.');
    const forged = Buffer.from(
      JSON.stringify({ ...JSON.parse(Buffer.from(String(payload), 'base64url').toString()), scope: 'write' }),
    );
    for (const poison of [
      `${header}.${payload}`,
      `${header}.${forged.toString('base64url')}`,
      'nonsense',
      `${header}.`,
    ]) {
      await world.redis.set(entryKey(victim), poison, 'EX', 60);
      for (const gateway of world.gateways) expect((await call(gateway, 'split', victim)).status).toBe(401);
      const direct = await call(world.sampleApi, 'split', `${poison}.${victim}`);
      expect(direct.status).toBe(401);
    }
  });

  test(requirement('one-introspection'), async () => {
    const token = await serviceToken(world, 'phantom');
    const before = world.loadBalancer.count('/token/introspection');
    const answers = await Promise.all(Array.from({ length: 1000 }, () => call(world.gateways[0], 'phantom', token)));
    expect(answers.filter((answer) => answer.status !== 200)).toEqual([]);
    expect(world.loadBalancer.count('/token/introspection') - before).toBe(1);
  });

  test(requirement('malformed-input', 'the servers write nothing'), async () => {
    const before = (await world.redis.keys(`${world.prefix}*`)).sort();
    const headers = { Authorization: `Basic ${btoa('demo-service:demo-service-secret')}` };
    for (const form of [
      '',
      'grant_type=magic',
      'grant_type=client_credentials',
      'grant_type=client_credentials&resource=https://x',
    ]) {
      const answer = await fetch(`${world.issuer}/token`, { method: 'POST', headers, body: new URLSearchParams(form) });
      expect(answer.status).toBe(400);
    }
    for (const query of ['', 'client_id=nobody', 'client_id=demo-web&response_type=code']) {
      expect((await fetch(`${world.issuer}/auth?${query}`, { redirect: 'manual' })).status).toBe(400);
    }
    const foreign = { client_id: 'demo-web', token: await serviceToken(world, 'phantom') };
    const written = (await world.redis.keys(`${world.prefix}*`)).sort();
    await fetch(`${world.issuer}/token/revocation`, { method: 'POST', body: new URLSearchParams(foreign) });
    expect(written.length).toBe(before.length + 1);
    expect((await world.redis.keys(`${world.prefix}*`)).sort()).toEqual(written);
    expect((await call(world.gateways[0], 'phantom', foreign.token)).status).toBe(200);
  });

  test('two authorization servers are one: a code of one is redeemed at the other', async () => {
    const before = world.loadBalancer.count('/token');
    for (let round = 0; round < 4; round++) await signIn(world, { style: 'split' });
    expect(world.loadBalancer.count('/token') - before).toBe(4);
  });
});

describe('a store that a gateway of somebody else reads', () => {
  let world: ManyProcesses;
  beforeAll(async () => {
    // The gateways do not have the secret and do not need it.
    world = await startManyProcesses({
      environment: { TALLYSTICK_STORE_SEAL: 'false' },
      gatewayEnvironment: { TALLYSTICK_STORE_SEAL: 'true' },
    });
  });
  afterAll(() => world.stop());

  test(requirement('split-entry-for-other-gateways'), async () => {
    const token = await serviceToken(world, 'split');
    const signingInput = await world.redis.get(`${world.prefix}{${tokenKey(token)}}:signing-input`);
    const direct = await call(world.sampleApi, 'split', `${signingInput}.${token}`);
    expect(direct.status).toBe(200);
    const { headers } = await shown(world.gateways[0], 'split', token);
    expect(headers.authorization).toBe(`Bearer ${signingInput}.${token}`);
  });
});

describe('a store that refuses writes', () => {
  const user = `as-${randomUUID()}`;
  let world: ManyProcesses;
  beforeAll(async () => {
    const { Redis } = await import('ioredis');
    const admin = new Redis(String(process.env.REDIS_URL));
    await admin.acl('SETUSER', user, 'on', '>password', '~*', '&*', '+@all');
    admin.disconnect();
    world = await startManyProcesses({ authorizationServerRedisUser: `${user}:password` });
  });
  afterAll(async () => {
    await world.redis.acl('DELUSER', user);
    await world.stop();
  });

  test(requirement('store-refuses-write'), async () => {
    await serviceToken(world, 'split');
    const before = await world.redis.keys(`${world.prefix}*`);
    await world.redis.acl('SETUSER', user, '-@write');
    for (const style of ['opaque', 'phantom', 'split'] as const) {
      const answer = await fetch(`${world.issuer}/token`, {
        method: 'POST',
        headers: { Authorization: `Basic ${btoa('demo-service:demo-service-secret')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource: resourceOf(style), scope: 'read' }),
      });
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(await answer.json()).toEqual({ error: 'temporarily_unavailable', error_description: expect.any(String) });
    }
    expect(await world.redis.keys(`${world.prefix}*`)).toEqual(expect.arrayContaining(before));
    expect((await world.redis.keys(`${world.prefix}*`)).length).toBe(before.length);
    await world.redis.acl('SETUSER', user, '+@all');
    const client = await demoService(world);
    await expect(oidc.clientCredentialsGrant(client, { resource: resourceOf('split') })).resolves.toBeDefined();
  });
});

/** The cookies that identify the browser at the authorization server. */
function cookiesOf(browser: { jar: { getCookies(access: unknown): unknown } }, issuer: string): string[] {
  const { hostname } = new URL(issuer);
  const access = { domain: hostname, path: '/', secure: false, script: false };
  const cookies = browser.jar.getCookies(access) as { name: string; value: string }[];
  return cookies.filter(({ name }) => name === '_session').map(({ value }) => value);
}
