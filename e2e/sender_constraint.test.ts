import { createHash, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, type GenerateKeyPairResult, generateKeyPair, SignJWT } from 'jose';
import * as oidc from 'openid-client';
import { requirement } from './requirements.ts';
import { selfSigned } from './support/certificates.ts';
import { demoService, type Shown, serviceToken } from './support/clients.ts';
import { type Front, startFront } from './support/front.ts';
import { type ManyProcesses, startManyProcesses } from './support/many_processes.ts';
import { type OneProcess, startOneProcess } from './support/one_process.ts';
import { tlsClient } from './support/tls_client.ts';
import { until } from './support/until.ts';
import { resourceOf, STYLES, type Style, type World } from './support/world.ts';

const JWT_STYLES = ['jwt', 'phantom', 'split'] as const;

/** A client that gets tokens bound to its key, as openid-client does it. */
async function boundClient(world: World) {
  const client = await demoService(world);
  const keys = await generateKeyPair('ES256', { extractable: true });
  const DPoP = oidc.getDPoPHandle(client, keys);
  /** The headers of each call to an API, in order. */
  const sent: Headers[] = [];
  client[oidc.customFetch] = (url, options) => {
    if (!url.startsWith(world.issuer)) sent.push(new Headers(options.headers));
    return fetch(url, options as RequestInit);
  };
  return {
    keys,
    sent,
    async obtain(style: Style): Promise<string> {
      const parameters = { resource: resourceOf(style), scope: 'read' };
      const { access_token: token } = await oidc.clientCredentialsGrant(client, parameters, { DPoP });
      world.log.secret(token);
      return token;
    },
    call: (gateway: string, style: Style, token: string) =>
      oidc.fetchProtectedResource(client, token, new URL(`${gateway}/${style}/hello?a=b`), 'GET', null, undefined, {
        DPoP,
      }),
  };
}

describe('Two gateways on one Redis that are one address, and ask for a nonce', () => {
  let front: Front;
  let world: ManyProcesses;
  beforeAll(async () => {
    front = await startFront();
    world = await startManyProcesses({
      environment: { TALLYSTICK_GATEWAY_PUBLIC_URL: front.url, TALLYSTICK_GATEWAY_DPOP_NONCE: 'required' },
    });
    front.targets = [...world.gateways];
  });
  afterAll(async () => {
    await world?.stop();
    await front?.close();
  });

  test.each(STYLES)(requirement('dpop-at-the-gateway', '%s'), async (style) => {
    const { obtain, call, sent } = await boundClient(world);
    const token = await obtain(style);
    for (let round = 0; round < 3; round++) {
      const answer = await call(front.url, style, token);
      expect(answer.status).toBe(200);
      const { headers } = (await answer.json()) as Shown;
      // An opaque API checks the proof for itself; the others get the JWT, and rely on the gateway.
      expect(headers.authorization).toMatch(style === 'opaque' ? /^DPoP / : /^Bearer ([\w-]+\.){2}[\w-]+$/);
      expect('dpop' in headers).toBe(style === 'opaque');
    }
    // Told the nonce once, by one gateway; the other one took it.
    expect(sent).toHaveLength(style === 'opaque' ? 3 : 4);
  });

  test.each(STYLES)(requirement('dpop-proof-once', '%s'), async (style) => {
    const { obtain, call, sent } = await boundClient(world);
    const token = await obtain(style);
    expect((await call(front.url, style, token)).status).toBe(200);
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
    const call = (authorization: string) => fetch(`${front.url}/${style}/hello`, { headers: { authorization } });
    expect((await call(`Bearer ${free}`)).status).toBe(200);
    for (const authorization of [`Bearer ${bound}`, `DPoP ${free}`, `DPoP ${bound}`]) {
      const refused = await call(authorization);
      expect([authorization.split(' ')[0], refused.status]).toEqual([authorization.split(' ')[0], 401]);
    }
  });

  test(requirement('dpop-store-stopped'), async () => {
    const { obtain, call, sent } = await boundClient(world);
    const token = await obtain('jwt');
    expect((await call(front.url, 'jwt', token)).status).toBe(200);
    await world.redisRelay.cut();
    const refused = await call(front.url, 'jwt', token);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(refused.headers.get('www-authenticate')).toBeNull();
    // Who has no proof is told so: that needs no store.
    const bare = await fetch(`${front.url}/jwt/hello`, { headers: { authorization: `DPoP ${token}` } });
    expect(bare.status).toBe(401);
    await world.redisRelay.restore();
    await until(async () => (await call(front.url, 'jwt', token)).status === 200);
    const replayed = await fetch(`${world.gateways[0]}/jwt/hello?a=b`, { headers: sent.at(-1) as Headers });
    expect(replayed.status).toBe(401);
  });

  test(requirement('dpop-metadata'), async () => {
    const challenged = await fetch(`${front.url}/split/hello`);
    const challenge = challenged.headers.get('www-authenticate') ?? '';
    expect(challenge).toMatch(/^Bearer resource_metadata="[^"]+", DPoP algs="ES256 [^"]+", resource_metadata="[^"]+"$/);
    const [, url = ''] = /resource_metadata="([^"]+)"/.exec(challenge) ?? [];
    expect(await (await fetch(url)).json()).toMatchObject({
      dpop_signing_alg_values_supported: expect.arrayContaining(['ES256', 'PS256', 'Ed25519']),
    });
  });
});

describe('Gateways that remember proofs for themselves', () => {
  let front: Front;
  let world: ManyProcesses;
  beforeAll(async () => {
    front = await startFront();
    world = await startManyProcesses({
      environment: { TALLYSTICK_GATEWAY_PUBLIC_URL: front.url, TALLYSTICK_GATEWAY_DPOP_REPLAY: 'memory' },
    });
    front.targets = [world.gateways[0]];
  });
  afterAll(async () => {
    await world?.stop();
    await front?.close();
  });

  test(
    requirement('dpop-proof-once', 'at each gateway, and without the store, where each remembers for itself'),
    async () => {
      const { obtain, call, sent } = await boundClient(world);
      const token = await obtain('jwt');
      expect((await call(front.url, 'jwt', token)).status).toBe(200);
      await world.redisRelay.cut();
      expect((await call(front.url, 'jwt', token)).status).toBe(200);
      const headers = sent.at(-1) as Headers;
      const replay = async (gateway: string) => (await fetch(`${gateway}/jwt/hello?a=b`, { headers })).status;
      expect(await replay(world.gateways[0])).toBe(401);
      expect(await replay(world.gateways[1] as string)).toBe(200);
      expect(await replay(world.gateways[1] as string)).toBe(401);
      await world.redisRelay.restore();
    },
  );
});

describe('An API that gets the proof', () => {
  /** A path that is another one at the API is still the one that the client asked for. */
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

    // Who has got hold of what the API gets cannot use it: not as it was, not without a proof, and not under Bearer.
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

    // A proof about the JWT is none about what the client holds.
    const proof = (about: string) => proofOf(keys, `${world.sampleApi}/${style}/hello`, about);
    const good = await direct({ authorization: given, dpop: await proof(token) });
    expect(good.status).toBe(200);
    const other = await direct({ authorization: given, dpop: await proof(`${token}x`) });
    expect(other.status).toBe(401);
  });

  test(requirement('dpop-end-to-end', 'a bearer token is still one'), async () => {
    const token = await serviceToken(world, 'split');
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(`${world.gateways[0]}/split/hello`, { headers })).status).toBe(200);
  });
});

async function proofOf({ publicKey, privateKey }: GenerateKeyPairResult, htu: string, token: string): Promise<string> {
  const ath = createHash('sha256').update(token).digest('base64url');
  return new SignJWT({ htm: 'GET', htu, ath, jti: crypto.randomUUID() })
    .setIssuedAt()
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: await exportJWK(publicKey) })
    .sign(privateKey);
}

describe('A gateway that looks at client certificates', () => {
  let mine: { cert: string; key: string; header: string; confirmation: { 'x5t#S256': string } };
  let other: typeof mine;
  beforeAll(async () => {
    [mine, other] = await Promise.all([certified('CN=mine'), certified('CN=other')]);
  });

  async function certified(subject: string) {
    const { cert, key } = await selfSigned({ subject });
    const { raw } = new X509Certificate(cert);
    const thumbprint = createHash('sha256').update(raw).digest('base64url');
    return { cert, key, header: `:${raw.toString('base64')}:`, confirmation: { 'x5t#S256': thumbprint } };
  }

  async function issue({ tallystick, log }: OneProcess, style: Style): Promise<string> {
    const request = { client: 'demo-service', api: resourceOf(style), scopes: ['read'] };
    const { accessToken } = await tallystick.issueToken({ ...request, confirmation: mine.confirmation });
    log.secret(accessToken);
    return accessToken;
  }

  test(requirement('certificate-at-the-gateway', 'on its own TLS connections'), async () => {
    const { cert, key } = await selfSigned({
      subject: 'CN=localhost',
      alternatives: [{ type: 'dns', value: 'localhost' }],
    });
    const world = await startOneProcess((config) => ({
      ...config,
      issuer: 'https://localhost:4000',
      tls: { certificate: cert, key },
      features: { mutualTls: true },
    }));
    const ca = String(world.tallystick.ca);
    const clients = { mine: tlsClient(ca, mine), other: tlsClient(ca, other), none: tlsClient(ca) };
    for (const style of STYLES) {
      const authorization = `Bearer ${await issue(world, style)}`;
      const url = `${world.gateways[0]}/${style}/hello`;
      for (const [who, status] of [
        ['mine', 200],
        ['other', 401],
        ['none', 401],
        ['mine', 200],
      ] as const) {
        expect([style, who, (await clients[who].fetch(url, { headers: { authorization } })).status]).toEqual([
          style,
          who,
          status,
        ]);
      }
      const forged = await clients.none.fetch(url, { headers: { authorization, 'client-cert': mine.header } });
      expect(forged.status).toBe(401);
    }
    await Promise.all(Object.values(clients).map((client) => client.close()));
    await world.stop();
  });

  test(
    requirement('certificate-at-the-gateway', 'in a header of a proxy that it trusts, and of nobody else'),
    async () => {
      const start = (trustedProxies: string[]) =>
        startOneProcess((config) => ({
          ...config,
          features: { mutualTls: true },
          gateway: { ...config.gateway, trustedProxies },
        }));
      const [behind, alone] = await Promise.all([start(['127.0.0.0/8', '::1']), start([])]);
      for (const style of STYLES) {
        const call = async (world: OneProcess, header?: string) => {
          const headers = new Headers({ authorization: `Bearer ${await issue(world, style)}` });
          if (header !== undefined) headers.set('client-cert', header);
          return fetch(`${world.gateways[0]}/${style}/hello`, { headers });
        };
        const served = await call(behind, mine.header);
        expect([style, served.status]).toEqual([style, 200]);
        const { headers } = (await served.json()) as Shown;
        expect(headers['client-cert']).toBe(style === 'opaque' ? mine.header : undefined);
        for (const refused of [await call(behind, other.header), await call(behind), await call(alone, mine.header)]) {
          expect([style, refused.status]).toEqual([style, 401]);
        }
      }
      await Promise.all([behind.stop(), alone.stop()]);
    },
  );

  test.each(JWT_STYLES)(
    requirement('certificate-at-the-gateway', 'without it such tokens are refused: %s'),
    async (style) => {
      const world = await startOneProcess();
      const authorization = `Bearer ${await issue(world, style)}`;
      const headers = { authorization, 'client-cert': mine.header };
      expect((await fetch(`${world.gateways[0]}/${style}/hello`, { headers })).status).toBe(401);
      await world.stop();
    },
  );
});
