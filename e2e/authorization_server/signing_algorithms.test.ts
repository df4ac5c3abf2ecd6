import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { discover, REDIRECT_URI } from '@tallystick/testing/sign_in';
import { until } from '@tallystick/testing/until';
import { type CryptoKey, decodeProtectedHeader, exportJWK, exportPKCS8, generateKeyPair, jwtVerify } from 'jose';
import * as oidc from 'openid-client';
import { ConfigError } from 'tallystick';
import { requirement } from '../requirements/index.ts';
import { call, issuedClaims, serviceToken, shown } from '../support/clients/clients.ts';
import { signIn } from '../support/clients/sign_in.ts';
import { type Controlled, startControlled } from '../support/worlds/controlled.ts';
import { resourceOf, type Style } from '../support/worlds/world.ts';

const ALGORITHMS = { jwt: 'RS256', phantom: 'PS256', split: 'EdDSA' } as const;
const JWT_STYLES = ['jwt', 'phantom', 'split'] as const;

interface PublishedKey {
  readonly kid: string;
  readonly alg: string;
}

let world: Controlled;
beforeAll(async () => {
  world = await startControlled((config) => ({
    ...config,
    apis: config.apis.map((api) => {
      const signingAlgorithm = ALGORITHMS[api.accessTokens as keyof typeof ALGORITHMS];
      return signingAlgorithm === undefined ? api : { ...api, signingAlgorithm };
    }),
    clients: [
      ...config.clients,
      {
        id: 'own-algorithm',
        secret: 'own-algorithm-secret',
        grants: ['authorization_code'],
        redirectUris: [REDIRECT_URI],
        metadata: { id_token_signed_response_alg: 'ES256' },
      },
    ],
  }));
});
afterAll(() => world.stop());
afterEach(() => world.tallystick.reset());

async function publishedKeys(issuer = world.issuer): Promise<PublishedKey[]> {
  return ((await (await fetch(`${issuer}/jwks`)).json()) as { keys: PublishedKey[] }).keys;
}

/** A busy machine may take longer to make an RSA key than a request for the JWKS waits. */
function untilPublished(issuer: string, algorithms: readonly string[]) {
  const published = async () => (await publishedKeys(issuer)).map(({ alg }) => alg).sort();
  return until(async () => (await published()).join() === algorithms.join());
}

async function kidsOf(algorithm: string): Promise<string[]> {
  return (await publishedKeys()).filter(({ alg }) => alg === algorithm).map(({ kid }) => kid);
}

/** The header of the JWT that the API gets. */
async function headerAtApi(style: Style, token: string) {
  const { headers } = await shown(world.gateways[0], style, token);
  return decodeProtectedHeader(String(headers.authorization).replace('Bearer ', ''));
}

test.each(JWT_STYLES)(requirement('signing-algorithm', '%s'), async (style) => {
  const { tokens } = await signIn(world, { style });
  const minted = await world.mint(style);
  for (const token of [await serviceToken(world, style), tokens.access_token, minted.accessToken]) {
    const { alg, kid } = await headerAtApi(style, token);
    expect([alg, kid]).toEqual([ALGORITHMS[style], (await kidsOf(ALGORITHMS[style]))[0]]);
  }
});

test.each(JWT_STYLES)(requirement('signing-algorithm', '%s: broken ones are refused'), async (style) => {
  for (const defect of ['unknown_key', 'alg_none', 'wrong_issuer']) {
    const { accessToken, jwt } = await world.mint(style, { defect });
    expect((await call(world.gateways[0], style, accessToken)).status).toBe(401);
    expect((await call(world.sampleApi, style, jwt)).status).toBe(401);
  }
});

test(requirement('signing-algorithm', 'all keys are published, the default one first'), async () => {
  await untilPublished(world.issuer, ['ES256', 'EdDSA', 'PS256', 'RS256']);
  expect((await publishedKeys())[0]?.alg).toBe('ES256');
});

describe('a client', () => {
  test(requirement('signing-algorithm', 'has its ID tokens signed as its metadata says'), async () => {
    const client = await discover(
      world,
      'own-algorithm',
      { client_secret: 'own-algorithm-secret', id_token_signed_response_alg: 'ES256' },
      oidc.ClientSecretBasic('own-algorithm-secret'),
    );
    const { tokens } = await signIn(world, { client, style: 'opaque' });
    expect(decodeProtectedHeader(String(tokens.id_token)).alg).toBe('ES256');
    const { tokens: usual } = await signIn(world, { style: 'opaque' });
    expect(decodeProtectedHeader(String(usual.id_token)).alg).toBe('RS256'); // OpenID Connect Registration section 2.
    expect(client.serverMetadata().id_token_signing_alg_values_supported).toEqual(expect.arrayContaining(['RS256']));
  });

  test(requirement('signing-algorithm', 'that requests an impossible algorithm stops the start'), async () => {
    const metadata = { id_token_signed_response_alg: 'ES384' };
    const started = startControlled((config) => ({
      ...config,
      clients: [...config.clients, { id: 'x', secret: 'y', metadata }],
    }));
    await expect(started).rejects.toThrow(ConfigError);
    await expect(started).rejects.toThrow(/clients\[\d+\]\.metadata: id_token_signed_response_alg/);
  });
});

describe('keys by algorithm', () => {
  test(requirement('signing-algorithm', 'rotate independently'), async () => {
    const before = await publishedKeys();
    const [old] = await kidsOf('RS256');
    const rotated = await world.control('POST', '/keys/rotation', { algorithm: 'RS256', announceFor: 5_000 });
    expect(rotated.body.keys.filter(({ algorithm }: { algorithm: string }) => algorithm === 'RS256')).toMatchObject([
      { kid: old, status: 'signing' },
      { status: 'announced' },
    ]);
    expect((await headerAtApi('jwt', await serviceToken(world, 'jwt'))).kid).toBe(old);
    await world.control('POST', '/clock/advance', { seconds: 6 });
    const [now, retired] = await kidsOf('RS256');
    expect(retired).toBe(old);
    expect((await headerAtApi('jwt', await serviceToken(world, 'jwt'))).kid).toBe(now);
    const others = (keys: PublishedKey[]) => keys.filter(({ alg }) => alg !== 'RS256');
    expect(others(await publishedKeys())).toEqual(others(before));
    await world.control('POST', '/clock/advance', { seconds: 3_600 + 20 });
    expect(await kidsOf('RS256')).toEqual([now]);
  });

  test.each([
    ['PEM', async (key: CryptoKey) => exportPKCS8(key)],
    ['JWK', async (key: CryptoKey) => exportJWK(key)],
  ])(requirement('signing-algorithm', 'can be imported as %s'), async (_form, write) => {
    const { privateKey, publicKey } = await generateKeyPair('PS256', { extractable: true });
    const key = await write(privateKey);
    const refused = await world.control('POST', '/keys/rotation', { algorithm: 'ES256', key });
    expect([refused.status, refused.body.path]).toEqual([400, 'key']);
    const imported = await world.control('POST', '/keys/rotation', { algorithm: 'PS256', announceFor: 0, key });
    expect([imported.status, JSON.stringify(imported.body).includes('"d"')]).toEqual([201, false]);
    const { jwt } = await world.mint('phantom');
    expect(await kidsOf('PS256')).toContain(decodeProtectedHeader(jwt).kid);
    expect((await jwtVerify(jwt, publicKey)).protectedHeader.alg).toBe('PS256');
  });

  test(requirement('signing-algorithm', 'exist for an API that changes its algorithm at run time'), async () => {
    const other = await startControlled();
    try {
      await untilPublished(other.issuer, ['ES256', 'RS256']);
      const api = { resource: resourceOf('split'), accessTokens: 'split', scopes: ['read'], signingAlgorithm: 'PS256' };
      expect((await other.control('PUT', '/apis', api)).status).toBe(200);
      expect((await publishedKeys(other.issuer)).map(({ alg }) => alg)).toEqual(['ES256', 'PS256', 'RS256']);
      other.tallystick.clock.advance(10); // The gateway pauses between two fetches of keys.
      const token = await serviceToken(other, 'split');
      expect((await call(other.gateways[0], 'split', token)).status).toBe(200);
      expect((await issuedClaims(other, 'split', token)).client_id).toBe('demo-service');
      const { keys } = (await other.control('GET', '/keys')).body;
      expect(keys).toMatchObject([
        { algorithm: 'ES256' },
        { algorithm: 'PS256', status: 'signing' },
        { algorithm: 'RS256', status: 'signing' },
      ]);
    } finally {
      await other.stop();
    }
  });

  test(requirement('signing-algorithm', 'exist for a client that changes its algorithm at run time'), async () => {
    const other = await startControlled();
    try {
      const client = { id: 'wants-ps256', secret: 'x', metadata: { id_token_signed_response_alg: 'PS256' } };
      expect((await other.control('PUT', '/clients', client)).status).toBe(201);
      await untilPublished(other.issuer, ['ES256', 'PS256', 'RS256']);
      const wrong = { ...client, metadata: { id_token_signed_response_alg: 'HS1' } };
      expect(await other.control('PUT', '/clients', wrong)).toMatchObject({ status: 400, body: { path: 'metadata' } });
    } finally {
      await other.stop();
    }
  });

  test(requirement('signing-algorithm', 'stay for the longest-lived token that they signed'), async () => {
    const [old] = await kidsOf('EdDSA');
    const lasting = await world.mint('split', { expiresIn: 100_000 });
    await world.control('POST', '/keys/rotation', { algorithm: 'EdDSA', announceFor: 0 });
    await world.control('POST', '/clock/advance', { seconds: 99_000 });
    expect(await kidsOf('EdDSA')).toContain(old);
    expect((await call(world.gateways[0], 'split', lasting.accessToken)).status).toBe(200);
    await world.control('POST', '/clock/advance', { seconds: 1_020 });
    expect(await kidsOf('EdDSA')).not.toContain(old);
  });
});
