import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rawRequest } from '@tallystick/testing/raw_client';
import { until } from '@tallystick/testing/until';
import { exportJWK, type GenerateKeyPairResult, SignJWT } from 'jose';
import { requirement } from '../requirements/index.ts';
import { boundClient } from '../support/clients/bound_client.ts';
import { type Shown, serviceToken } from '../support/clients/clients.ts';
import { type LoadBalancer, startLoadBalancer } from '../support/worlds/load_balancer.ts';
import { type ManyProcesses, startManyProcesses } from '../support/worlds/many_processes.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';
import { STYLES } from '../support/worlds/world.ts';

describe('Two gateways on one Redis that are one address, and ask for a nonce', () => {
  let loadBalancer: LoadBalancer;
  let world: ManyProcesses;
  beforeAll(async () => {
    loadBalancer = await startLoadBalancer();
    world = await startManyProcesses({
      environment: { TALLYSTICK_GATEWAY_PUBLIC_URL: loadBalancer.url, TALLYSTICK_GATEWAY_DPOP_NONCE: 'required' },
    });
    loadBalancer.targets = [...world.gateways];
  });
  afterAll(async () => {
    await world?.stop();
    await loadBalancer?.stop();
  });

  test.each(STYLES)(requirement('dpop-at-the-gateway', '%s'), async (style) => {
    const { obtain, call, sent } = await boundClient(world);
    const token = await obtain(style);
    for (let round = 0; round < 3; round++) {
      const answer = await call(loadBalancer.url, style, token);
      expect(answer.status).toBe(200);
      const { headers } = (await answer.json()) as Shown;
      // An opaque API checks the proof itself. The other APIs get the JWT and rely on the gateway.
      expect(headers.authorization).toMatch(style === 'opaque' ? /^DPoP / : /^Bearer ([\w-]+\.){2}[\w-]+$/);
      expect('dpop' in headers).toBe(style === 'opaque');
    }
    // One gateway issued the nonce, and the other one accepted it.
    expect(sent).toHaveLength(style === 'opaque' ? 3 : 4);
  });

  test.each(STYLES)(requirement('dpop-proof-once', '%s'), async (style) => {
    const { obtain, call, sent } = await boundClient(world);
    const token = await obtain(style);
    expect((await call(loadBalancer.url, style, token)).status).toBe(200);
    const headers = sent.at(-1) as Headers;
    for (const gateway of world.gateways) {
      const replayed = await fetch(`${gateway}/${style}/hello?a=b`, { headers });
      expect(replayed.status).toBe(401);
      expect(await replayed.json()).toEqual({
        error: 'invalid_dpop_proof',
        error_description: 'the DPoP proof was used before',
      });
    }
  });

  test.each(STYLES)(requirement('dpop-no-downgrade', '%s'), async (style) => {
    const { obtain } = await boundClient(world);
    const bound = await obtain(style);
    const free = await serviceToken(world, style);
    const call = (authorization: string) => fetch(`${loadBalancer.url}/${style}/hello`, { headers: { authorization } });
    expect((await call(`Bearer ${free}`)).status).toBe(200);
    for (const authorization of [`Bearer ${bound}`, `DPoP ${free}`, `DPoP ${bound}`]) {
      const refused = await call(authorization);
      expect([authorization.split(' ')[0], refused.status]).toEqual([authorization.split(' ')[0], 401]);
    }
  });

  test(requirement('dpop-store-stopped'), async () => {
    const { obtain, call, sent } = await boundClient(world);
    const token = await obtain('jwt');
    expect((await call(loadBalancer.url, 'jwt', token)).status).toBe(200);
    await world.redisRelay.cut();
    const refused = await call(loadBalancer.url, 'jwt', token);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(refused.headers.get('www-authenticate')).toBeNull();
    // The gateway refuses a request without a proof even when the store is down.
    const bare = await fetch(`${loadBalancer.url}/jwt/hello`, { headers: { authorization: `DPoP ${token}` } });
    expect(bare.status).toBe(401);
    await world.redisRelay.restore();
    for (const gateway of world.gateways) await until(async () => (await fetch(`${gateway}/readyz`)).ok);
    expect((await call(loadBalancer.url, 'jwt', token)).status).toBe(200);
    const replayed = await fetch(`${world.gateways[0]}/jwt/hello?a=b`, { headers: sent.at(-1) as Headers });
    expect(replayed.status).toBe(401);
  });

  test(requirement('dpop-metadata'), async () => {
    const challenged = await fetch(`${loadBalancer.url}/split/hello`);
    const challenge = challenged.headers.get('www-authenticate') ?? '';
    expect(challenge).toMatch(/^Bearer resource_metadata="[^"]+", DPoP algs="ES256 [^"]+", resource_metadata="[^"]+"$/);
    const [, url = ''] = /resource_metadata="([^"]+)"/.exec(challenge) ?? [];
    expect(await (await fetch(url)).json()).toMatchObject({
      dpop_signing_alg_values_supported: expect.arrayContaining(['ES256', 'PS256', 'Ed25519']),
    });
  });
});

describe('Gateways that remember proofs for themselves', () => {
  let loadBalancer: LoadBalancer;
  let world: ManyProcesses;
  beforeAll(async () => {
    loadBalancer = await startLoadBalancer();
    world = await startManyProcesses({
      environment: { TALLYSTICK_GATEWAY_PUBLIC_URL: loadBalancer.url, TALLYSTICK_GATEWAY_DPOP_REPLAY: 'memory' },
    });
    loadBalancer.targets = [world.gateways[0]];
  });
  afterAll(async () => {
    await world?.stop();
    await loadBalancer?.stop();
  });

  test(requirement('dpop-proof-once', 'each gateway remembers proofs, also while the store is down'), async () => {
    const { obtain, call, sent } = await boundClient(world);
    const token = await obtain('jwt');
    expect((await call(loadBalancer.url, 'jwt', token)).status).toBe(200);
    await world.redisRelay.cut();
    expect((await call(loadBalancer.url, 'jwt', token)).status).toBe(200);
    const headers = sent.at(-1) as Headers;
    const replay = async (gateway: string) => (await fetch(`${gateway}/jwt/hello?a=b`, { headers })).status;
    expect(await replay(world.gateways[0])).toBe(401);
    expect(await replay(world.gateways[1] as string)).toBe(200);
    expect(await replay(world.gateways[1] as string)).toBe(401);
    await world.redisRelay.restore();
  });
});

describe('An API that checks the proof itself', () => {
  /** The proof names the path that the client called, even if the API has another one. */
  const atApi = {
    '/jwt': { dpop: { forward: true } },
    '/split': { dpop: { forward: true }, rewrite: { prefix: '/moved' } },
    '/opaque': {},
  };
  let world: OneProcess;
  beforeAll(async () => {
    world = await startOneProcess((config) => ({
      ...config,
      gateway: {
        ...config.gateway,
        routes: config.gateway.routes.map((route) =>
          route.prefix === '/phantom' ? route : { ...route, ...atApi[route.prefix as keyof typeof atApi] },
        ),
      },
    }));
  });
  afterAll(() => world?.stop());

  test.each(['jwt', 'split', 'opaque'] as const)(requirement('dpop-end-to-end', '%s'), async (style) => {
    const { obtain, call, keys, sent } = await boundClient(world);
    const token = await obtain(style);
    const answer = await call(world.gateways[0], style, token);
    expect(answer.status).toBe(200);
    const { headers } = (await answer.json()) as Shown;
    expect(headers.dpop).toBe(sent.at(-1)?.get('dpop'));
    const given = String(headers.authorization);
    world.log.secret(given.slice('DPoP '.length));
    if (style === 'split') expect(given.endsWith(`.${token}`)).toBe(true);

    // An attacker cannot use the token and proof that the API got: not as they are, not without a proof, and not as Bearer.
    const path = style === 'split' ? '/moved/hello' : `/${style}/hello`;
    const direct = (init: Record<string, string>) => fetch(`${world.sampleApi}${path}`, { headers: init });
    const gatewayHost = new URL(world.gateways[0]).host;
    const replayed = await direct({
      authorization: given,
      dpop: String(headers.dpop),
      'x-forwarded-host': gatewayHost,
    });
    expect(await replayed.json()).toMatchObject({ error_description: 'the DPoP proof was used before' });
    expect((await direct({ authorization: given })).status).toBe(401);
    expect((await direct({ authorization: given.replace('DPoP', 'Bearer') })).status).toBe(401);

    // A proof for the JWT is not valid for the client-held token.
    const proof = (about: string) => proofOf(keys, `${world.sampleApi}/${style}/hello`, about);
    const good = await direct({ authorization: given, dpop: await proof(token) });
    expect(good.status).toBe(200);
    const other = await direct({ authorization: given, dpop: await proof(`${token}x`) });
    expect(other.status).toBe(401);
  });

  test.each(['jwt', 'split', 'opaque'] as const)(requirement('dpop-own-host', 'at the API, %s'), async (style) => {
    const { obtain, call, keys } = await boundClient(world);
    const token = await obtain(style);
    const { headers } = (await (await call(world.gateways[0], style, token)).json()) as Shown;
    const given = String(headers.authorization);
    world.log.secret(given.slice('DPoP '.length));
    // The path at the gateway. The API has another one for `split`.
    const dpop = await proofOf(keys, `http://evil.example/${style}/hello`, token);
    const path = style === 'split' ? '/moved/hello' : `/${style}/hello`;
    const direct = await fetch(`${world.sampleApi}${path}`, {
      headers: { authorization: given, dpop, 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' },
    });
    expect([direct.status, await direct.json()]).toMatchObject([401, { error: 'invalid_dpop_proof' }]);
  });

  test(requirement('dpop-end-to-end', 'an unbound token still works as a bearer token'), async () => {
    const token = await serviceToken(world, 'split');
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(`${world.gateways[0]}/split/hello`, { headers })).status).toBe(200);
  });
});

describe('A gateway without a public URL', () => {
  let world: OneProcess;
  beforeAll(async () => {
    world = await startOneProcess((config) => ({ ...config, allowedHosts: ['api.example.com', '*.apps.example.com'] }));
  });
  afterAll(() => world?.stop());

  const calls = [
    ['evil.example', false],
    ['localhost', true],
    ['api.example.com', true],
    ['a.apps.example.com', true],
    ['apps.example.com', false],
  ] as const;
  test.each(STYLES.flatMap((style) => calls.map(([host, isOwn]) => [style, host, isOwn] as const)))(
    requirement('dpop-own-host', '%s, %s: %s'),
    async (style, host, isOwn) => {
      const { obtain, keys } = await boundClient(world);
      const token = await obtain(style);
      const proof = await proofOf(keys, `http://${host}/${style}/hello`, token);
      const head = [`GET /${style}/hello HTTP/1.1`, `Host: ${host}`, `Authorization: DPoP ${token}`, `DPoP: ${proof}`];
      const { status } = await rawRequest(world.gateways[0], `${head.join('\r\n')}\r\nConnection: close\r\n\r\n`);
      expect(status === 200).toBe(isOwn);
    },
  );
});

async function proofOf({ publicKey, privateKey }: GenerateKeyPairResult, htu: string, token: string): Promise<string> {
  const ath = createHash('sha256').update(token).digest('base64url');
  return new SignJWT({ htm: 'GET', htu, ath, jti: crypto.randomUUID() })
    .setIssuedAt()
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: await exportJWK(publicKey) })
    .sign(privateKey);
}
