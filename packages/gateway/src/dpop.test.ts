import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defaultDPoPAlgorithms } from '@tallystick/resource-server';
import type { GatewayConfig, ProtectedRouteConfig } from './config.ts';
import { createGateway } from './create_gateway.ts';
import { createGatewayServer } from './gateway_server.ts';
import { api, buildHouse, type House } from './testing/house.ts';
import { createProver, type Prover } from './testing/prover.ts';
import { message, send } from './testing/raw_client.ts';
import { listen } from './testing/servers.ts';

const styles = ['jwt', 'phantom', 'split'] as const;
type Style = (typeof styles)[number];
const algs = `algs="${defaultDPoPAlgorithms.join(' ')}"`;

let house: House;
let prover: Prover;
beforeEach(async () => {
  house = await buildHouse();
  prover = await createProver(() => house.clock.time);
});
afterEach(() => house.stop());

/** What a client holds of a token that is bound to a key, or of one that is not. */
function issue(style: Style, cnf: object | null = prover.cnf, at: House = house): Promise<string> {
  const claims = cnf === null ? {} : { cnf };
  if (style === 'phantom') return at.issueReference(api(style), claims);
  if (style === 'split') return at.issueSplit(api(style), claims);
  return at.authorizationServer.issue({ aud: api(style), ...claims });
}

function present(path: string, token: string, proof: string, at: House = house): Promise<Response> {
  return at.call(path, undefined, { headers: { Authorization: `DPoP ${token}`, DPoP: proof } });
}

/** A request with a proof of its own. */
async function prove(path: string, token: string, claims = {}, at: House = house): Promise<Response> {
  return present(path, token, await prover.proof(`${at.origin}${path}`, token, claims), at);
}

async function refusal(response: Response): Promise<string> {
  const { error, error_description } = (await response.json()) as Record<string, string>;
  return `${response.status} ${error}: ${error_description}`;
}

describe.each(styles)('A token bound to a DPoP key, %s,', (style) => {
  const path = `/${style}/a?page=2`;

  test('passes with a proof, cache hit or not, and its JWT goes upstream as a bearer token without the proof', async () => {
    const token = await issue(style);
    for (let round = 0; round < 3; round++) expect((await prove(path, token)).status).toBe(200);
    expect(house.cacheLevels()).toEqual(['miss', 'hit', 'hit']);
    for (const { headers } of house.upstream.seen) {
      expect(headers.authorization).toMatch(/^Bearer ([\w-]+\.){2}[\w-]+$/);
      expect(headers).not.toHaveProperty('dpop');
    }
  });

  test('is refused without a proof of its key, cache hit or not', async () => {
    const token = await issue(style);
    await prove(path, token);
    const bare = await house.call(path, undefined, { headers: { Authorization: `dpop ${token}` } });
    expect(await refusal(bare)).toBe('401 invalid_dpop_proof: the request has no DPoP proof');
    const thief = await createProver(() => house.clock.time);
    const stolen = await present(path, token, await thief.proof(`${house.origin}${path}`, token));
    expect(await refusal(stolen)).toBe(
      '401 invalid_token: the access token is bound to another key than that of the DPoP proof',
    );
    expect(house.upstream.seen).toHaveLength(1);
  });

  test('is refused under Bearer, with and without a proof', async () => {
    const token = await issue(style);
    await prove(path, token);
    const proof = await prover.proof(`${house.origin}${path}`, token);
    for (const headers of [{}, { DPoP: proof }]) {
      const response = await house.call(path, token, { headers });
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token".*, DPoP algs="ES256 /);
      expect(await refusal(response)).toBe(
        '401 invalid_token: the access token is bound to a DPoP key and is no bearer token',
      );
    }
    expect(house.upstream.seen).toHaveLength(1);
  });

  test('is refused with a proof that was used before', async () => {
    const token = await issue(style);
    const proof = await prover.proof(`${house.origin}${path}`, token);
    expect((await present(path, token, proof)).status).toBe(200);
    const again = await present(path, token, proof);
    expect(again.headers.get('www-authenticate')).toMatch(
      /^DPoP error="invalid_dpop_proof", error_description="the DPoP proof was used before", algs="[^"]+", resource_metadata="[^"]+"$/,
    );
    expect(await refusal(again)).toBe('401 invalid_dpop_proof: the DPoP proof was used before');
  });

  test('is refused with a proof for another request', async () => {
    const token = await issue(style);
    for (const claims of [
      { htm: 'POST' },
      { htu: `${house.origin}/${style}/b` },
      { htu: `https://evil.example${path}` },
    ]) {
      expect(await refusal(await prove(path, token, claims))).toMatch(/^401 invalid_dpop_proof: the ht. of the DPoP/);
    }
    expect(house.upstream.seen).toEqual([]);
  });

  test('is refused with a proof of another time', async () => {
    const token = await issue(style);
    const iat = house.clock.time / 1000;
    expect(await refusal(await prove(path, token, { iat: iat - 61 }))).toMatch(/too old$/);
    expect(await refusal(await prove(path, token, { iat: iat + 6 }))).toMatch(/from the future$/);
  });

  test('answers to scopes like any other', async () => {
    const token = await issue(style);
    const proof = await prover.proof(`${house.origin}${path}`, token, { htm: 'DELETE' });
    const headers = { Authorization: `DPoP ${token}`, DPoP: proof };
    const response = await house.call(path, undefined, { method: 'DELETE', headers });
    expect(response.status).toBe(403);
    expect(response.headers.get('www-authenticate')).toMatch(/^DPoP error="insufficient_scope".*scope="write", algs=/);
  });
});

test.each(['jwt', 'phantom', 'split'] as const)(
  'A token that is not bound, %s, is refused under DPoP',
  async (style) => {
    const token = await issue(style, null);
    expect((await house.call(`/${style}`, token)).status).toBe(200);
    const refused = await prove(`/${style}`, token);
    expect(refused.headers.get('www-authenticate')).toMatch(
      /^DPoP error="invalid_token", .*, Bearer resource_metadata="/,
    );
    expect(await refusal(refused)).toBe('401 invalid_token: the access token is not bound to a DPoP key');
  },
);

test('A proof does no harm to a bearer token, and goes no further', async () => {
  const token = await issue('split', null);
  const response = await house.call('/split', token, { headers: { DPoP: 'whatever' } });
  expect(response.status).toBe(200);
  expect(house.upstream.seen[0]?.headers).not.toHaveProperty('dpop');
});

test.each([
  ['in no way', {}],
  ['to a key that is named otherwise', { kid: 'key' }],
  ['to a key whose thumbprint is no text', { jkt: 1 }],
  ['to a certificate, at a gateway that takes none', { 'x5t#S256': 'thumbprint' }],
  ['to a text', 'key'],
])('A token that is bound %s is refused under either scheme', async (_, cnf) => {
  const token = await issue('phantom', cnf as object);
  expect((await house.call('/phantom', token)).status).toBe(401);
  expect((await prove('/phantom', token)).status).toBe(401);
  expect(house.upstream.seen).toEqual([]);
});

test('Credentials that are ambiguous are refused', async () => {
  const token = await issue('split');
  const proof = await prover.proof(`${house.origin}/split`, token);
  const ask = (...headers: string[]) =>
    send(
      house.port,
      message(['GET /split HTTP/1.1', `Host: 127.0.0.1:${house.port}`, 'Connection: close', ...headers]),
    );
  const both = await ask(`Authorization: DPoP ${token}`, `Authorization: Bearer ${token}`, `DPoP: ${proof}`);
  expect(both).toMatch(/^HTTP\/1\.1 400 .*"error":"invalid_request"/s);
  const twice = await ask(`Authorization: DPoP ${token}`, `DPoP: ${proof}`, `dpop: ${proof}`);
  expect(twice).toMatch(/^HTTP\/1\.1 401 .*"error":"invalid_dpop_proof".*more than one DPoP proof/s);
  expect(await ask(`Authorization: dPoP  ${token}`, `dpop: ${proof}`)).toMatch(/^HTTP\/1\.1 200 /);
});

test('Without credentials both schemes are offered', async () => {
  const response = await house.call('/split');
  const metadata = `resource_metadata="${house.origin}/.well-known/oauth-protected-resource/split"`;
  expect(response.headers.get('www-authenticate')).toBe(`Bearer ${metadata}, DPoP ${algs}, ${metadata}`);
});

test('While the store cannot tell whether a proof was used it is 503, and the proof is still good afterwards', async () => {
  const token = await issue('jwt');
  const proof = await prover.proof(`${house.origin}/jwt`, token);
  house.store.unavailable = true;
  const response = await present('/jwt', token, proof);
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
  expect(response.headers.get('www-authenticate')).toBeNull();
  expect(house.upstream.seen).toEqual([]);
  house.store.unavailable = false;
  expect((await present('/jwt', token, proof)).status).toBe(200);
});

test('What the store keeps of a proof is no part of it', async () => {
  const token = await issue('split');
  const proof = await prover.proof(`${house.origin}/split`, token);
  await present('/split', token, proof);
  expect([...house.store.used].join()).not.toContain(proof.split('.')[2]);
  expect([...house.store.used].join()).not.toContain(token);
  expect(JSON.stringify(house.log)).not.toContain(proof.split('.')[1]);
});

describe('An opaque token under DPoP', () => {
  test('goes to its API with the proof, for the API to check', async () => {
    const token = 'an-opaque-reference';
    const proof = await prover.proof(`${house.origin}/opaque`, token);
    expect((await present('/opaque', token, proof)).status).toBe(200);
    expect(house.upstream.seen[0]?.headers).toMatchObject({ authorization: `DPoP ${token}`, dpop: proof });
  });

  test('is no other one than that under Bearer, whose proof goes nowhere', async () => {
    const headers = { DPoP: 'proof' };
    expect((await house.call('/opaque', 'an-opaque-reference', { headers })).status).toBe(200);
    expect(house.upstream.seen[0]?.headers.authorization).toBe('Bearer an-opaque-reference');
    expect(house.upstream.seen[0]?.headers).not.toHaveProperty('dpop');
  });
});

/** A house of another configuration, for the length of a test. */
async function inHouse(
  change: Parameters<typeof buildHouse>[0],
  visit: (other: House) => Promise<void>,
): Promise<void> {
  const other = await buildHouse(change);
  try {
    await visit(other);
  } finally {
    await other.stop();
  }
}

const withDPoP =
  (dpop: ProtectedRouteConfig['dpop'] & object) =>
  ({ routes }: GatewayConfig) => ({
    routes: routes.flatMap((route) => (route.public || route.style === 'phantom' ? [] : [{ ...route, dpop }])),
  });

test.each(['jwt', 'split'] as const)('An API that asks for it gets the %s token under DPoP, with the proof', (style) =>
  inHouse(withDPoP({ forward: true }), async (other) => {
    const token = await issue(style, prover.cnf, other);
    const proof = await prover.proof(`${other.origin}/${style}`, token);
    expect((await present(`/${style}`, token, proof, other)).status).toBe(200);
    const [seen] = other.upstream.seen;
    expect(seen?.headers.dpop).toBe(proof);
    expect(seen?.headers.authorization).toMatch(/^DPoP ([\w-]+\.){2}[\w-]+$/);
    expect(seen?.headers.authorization?.endsWith(token)).toBe(true);
    const free = await issue(style, null, other);
    await other.call(`/${style}`, free, { headers: { DPoP: 'whatever' } });
    expect(other.upstream.seen[1]?.headers.authorization).toMatch(/^Bearer /);
    expect(other.upstream.seen[1]?.headers).not.toHaveProperty('dpop');
  }),
);

test('An API that takes nothing else says so, and refuses bearer tokens', () =>
  inHouse(withDPoP({ required: true }), async (other) => {
    const challenged = await other.call('/split');
    expect(challenged.headers.get('www-authenticate')).toMatch(/^DPoP algs="[^"]+", resource_metadata="[^"]+"$/);
    const free = await issue('split', null, other);
    const refused = await other.call('/split', free);
    expect(await refusal(refused)).toBe(
      '401 invalid_token: the API takes no access token that is not bound to a DPoP key',
    );
    expect((await other.call('/opaque', 'an-opaque-reference')).status).toBe(401);
    const metadata = await fetch(`${other.origin}/.well-known/oauth-protected-resource/split`);
    expect(await metadata.json()).toMatchObject({ dpop_bound_access_tokens_required: true });
    const token = await issue('split', prover.cnf, other);
    expect((await prove('/split', token, {}, other)).status).toBe(200);
  }));

test('A WebSocket takes a proof too, and each takes one of its own', async () => {
  const token = await issue('split');
  const proof = await prover.proof(`${house.origin}/split`, token);
  const head = ['GET /split HTTP/1.1', `Host: 127.0.0.1:${house.port}`, 'Connection: Upgrade', 'Upgrade: websocket'];
  const ask = () => send(house.port, message([...head, `Authorization: DPoP ${token}`, `DPoP: ${proof}`]));
  // This API answers with something else than a WebSocket, which is passed on.
  expect(await ask()).toMatch(/^HTTP\/1\.1 200 /);
  expect(house.upstream.seen[0]?.headers).toMatchObject({ upgrade: 'websocket' });
  expect(house.upstream.seen[0]?.headers).not.toHaveProperty('dpop');
  expect(await ask()).toMatch(/^HTTP\/1\.1 401 .*the DPoP proof was used before/s);
});

describe('Behind a proxy', () => {
  const forwarded = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'api.example.com' };

  async function ask(other: House, url: string) {
    const token = await issue('split', prover.cnf, other);
    const headers = { Authorization: `DPoP ${token}`, DPoP: await prover.proof(url, token), ...forwarded };
    return (await other.call('/split', undefined, { headers })).status;
  }

  test('htu is under the public URL', () =>
    inHouse(
      () => ({ publicUrl: 'https://public.example.com' }),
      async (other) => {
        expect(await ask(other, 'https://public.example.com/split')).toBe(200);
        expect(await ask(other, 'https://api.example.com/split')).toBe(401);
        expect(await ask(other, `${other.origin}/split`)).toBe(401);
      },
    ));

  test('htu is under what a trusted proxy says', () =>
    inHouse(
      () => ({ trustedProxies: ['127.0.0.1'] }),
      async (other) => {
        expect(await ask(other, 'https://api.example.com/split')).toBe(200);
        expect(await ask(other, `${other.origin}/split`)).toBe(401);
        expect(other.upstream.seen[0]?.headers).toMatchObject({
          'x-forwarded-host': 'api.example.com',
          'x-forwarded-proto': 'https',
        });
      },
    ));

  test('nobody else has a say in it', async () => {
    expect(await ask(house, 'https://api.example.com/split')).toBe(401);
    expect(await ask(house, `${house.origin}/split`)).toBe(200);
  });
});

test('A decision for another gateway is about the request that came there', () =>
  inHouse(
    () => ({ trustedProxies: ['127.0.0.1'], decisionEndpoints: [{ path: '/decision', for: 'nginx' }] }),
    async (other) => {
      const token = await issue('split', prover.cnf, other);
      const decide = async (proof: string, method = 'GET') => {
        const original = { 'X-Original-Method': method, 'X-Original-URI': '/split/a?b=c' };
        const forwarded = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'api.example.com' };
        const headers = { Authorization: `DPoP ${token}`, DPoP: proof, ...original, ...forwarded };
        return other.call('/decision', undefined, { headers });
      };
      const proof = await prover.proof('https://api.example.com/split/a', token);
      const decided = await decide(proof);
      expect(decided.status).toBe(200);
      expect(decided.headers.get('authorization')).toMatch(/^Bearer ([\w-]+\.){2}[\w-]+$/);
      expect((await decide(proof)).status).toBe(401);
      expect((await decide(await prover.proof('https://api.example.com/split/a', token), 'POST')).status).toBe(401);
      expect((await decide(await prover.proof(`${other.origin}/decision`, token))).status).toBe(401);
    },
  ));

describe('Where a nonce is required', () => {
  const secret = 'what all gateways on one store know';
  const dpop = { nonce: 'required' } as const;

  test('a client is told one, and a new one in time', () =>
    inHouse(
      () => ({ dpop, secret }),
      async (other) => {
        other.clock.time = house.clock.time;
        const token = await issue('split', prover.cnf, other);
        const told = await prove('/split', token, {}, other);
        expect(told.headers.get('www-authenticate')).toMatch(
          /^DPoP error="use_dpop_nonce", .*resource_metadata="[^"]+"$/,
        );
        expect(await refusal(told)).toBe('401 use_dpop_nonce: the DPoP proof must carry a nonce');
        const nonce = told.headers.get('dpop-nonce') ?? '';

        const served = await prove('/split', token, { nonce }, other);
        expect([served.status, served.headers.get('dpop-nonce')]).toEqual([200, null]);
        other.clock.time += 60_000;
        const rotating = await prove('/split', token, { nonce }, other);
        expect(rotating.status).toBe(200);
        const next = rotating.headers.get('dpop-nonce') ?? '';
        expect(next).toMatch(/^[\w-]{43}$/);
        expect(next).not.toBe(nonce);
        other.clock.time += 120_000;
        const stale = await prove('/split', token, { nonce: next }, other);
        expect(await refusal(stale)).toMatch(/^401 use_dpop_nonce/);
        expect(stale.headers.get('dpop-nonce')).not.toBe(next);
      },
    ));

  test('another gateway with the same secret and store takes it, but not the proof twice', () =>
    inHouse(
      () => ({ dpop, secret, publicUrl: 'https://api.example.com' }),
      async (other) => {
        const second = createGateway(secondOf(other, { dpop, secret, publicUrl: 'https://api.example.com' }), {
          store: other.store,
          log: { debug() {}, info() {}, warn() {}, error() {} },
          now: () => other.clock.time,
        });
        const server = await listen(createGatewayServer(second));
        const token = await issue('split', prover.cnf, other);
        const url = 'https://api.example.com/split';
        const first = await present('/split', token, await prover.proof(url, token), other);
        const nonce = first.headers.get('dpop-nonce');
        const proof = await prover.proof(url, token, { nonce });
        const headers = { Authorization: `DPoP ${token}`, DPoP: proof };
        const statuses = [
          await fetch(`${server.origin}/split`, { headers }),
          await present('/split', token, proof, other),
        ];
        expect(statuses.map(({ status }) => status)).toEqual([200, 401]);
        expect(await refusal(statuses[1] as Response)).toMatch(/was used before$/);
        await server.stop();
        await second.close();
      },
    ));

  test('a route may do without, and what its API says of nonces is passed on', async () => {
    const other = await buildHouse(
      ({ routes }) => ({
        dpop,
        secret,
        routes: routes.map((route) => (route.prefix === '/jwt' ? { ...route, dpop: { nonce: 'off' } } : route)),
      }),
      undefined,
      (_request, response) => response.setHeader('DPoP-Nonce', 'of-the-api').end('ok'),
    );
    const free = await prove('/jwt', await issue('jwt', prover.cnf, other), {}, other);
    expect([free.status, free.headers.get('dpop-nonce')]).toEqual([200, 'of-the-api']);
    const token = await issue('split', prover.cnf, other);
    const nonce = (await prove('/split', token, {}, other)).headers.get('dpop-nonce');
    other.clock.time += 60_000;
    const rotating = await prove('/split', token, { nonce }, other);
    expect(rotating.status).toBe(200);
    expect(rotating.headers.get('dpop-nonce')).toMatch(/^[\w-]{43}$/);
    await other.stop();
  });
});

/** The configuration of a gateway beside that of a house. */
function secondOf({ authorizationServer, upstream }: House, change: Partial<GatewayConfig>): GatewayConfig {
  return {
    issuer: 'https://login.example.com',
    authorizationServer: {
      introspectionEndpoint: `${authorizationServer.origin}/introspect`,
      jwksUri: `${authorizationServer.origin}/jwks`,
    },
    client: { id: 'gateway', secret: 'a secret' },
    routes: [
      { prefix: '/split', upstream: upstream.origin, resource: api('split'), style: 'split', scopes: { GET: [] } },
    ],
    cache: { maxEntries: 10, maxAge: 60, negative: { maxEntries: 10, maxAge: 5 } },
    timeouts: { authorizationServer: 2_000, upstream: 2_000 },
    ...change,
  };
}
