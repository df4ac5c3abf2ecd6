import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defaultDPoPAlgorithms } from '@tallystick/resource-server';
import { createProver } from '@tallystick/testing/dpop_prover';
import { message, send } from '@tallystick/testing/raw_client';
import { type DPoPFixture, refusalOf, startDPoPFixture } from '../testing/dpop_fixture.ts';

/** An opaque token, which only the API knows. */
const reference = 'r'.repeat(43);

const styles = ['jwt', 'phantom', 'split'] as const;
const algs = `algs="${defaultDPoPAlgorithms.join(' ')}"`;

let fixture: DPoPFixture;
beforeEach(async () => {
  fixture = await startDPoPFixture();
});
afterEach(() => fixture.stop());

describe.each(styles)('A token bound to a DPoP key, %s,', (style) => {
  const path = `/${style}/a?page=2`;

  test('is accepted with a proof, cache hit or not, and its JWT is forwarded as a bearer token without the proof', async () => {
    const token = await fixture.issue(style);
    for (let round = 0; round < 3; round++) expect((await fixture.prove(path, token)).status).toBe(200);
    expect(fixture.cacheLevels()).toEqual(['miss', 'hit', 'hit']);
    for (const { headers } of fixture.upstream.seen) {
      expect(headers.authorization).toMatch(/^Bearer ([\w-]+\.){2}[\w-]+$/);
      expect(headers).not.toHaveProperty('dpop');
    }
  });

  test('is refused without a proof of its key, cache hit or not', async () => {
    const token = await fixture.issue(style);
    await fixture.prove(path, token);
    const bare = await fixture.call(path, undefined, { headers: { Authorization: `dpop ${token}` } });
    expect(await refusalOf(bare)).toBe('401 invalid_dpop_proof: the request has no DPoP proof');
    const thief = await createProver(() => fixture.clock.time);
    const stolen = await fixture.present(path, token, await thief.proof(`${fixture.origin}${path}`, token));
    expect(await refusalOf(stolen)).toBe(
      '401 invalid_token: the access token is bound to another key than the key of the DPoP proof',
    );
    expect(fixture.upstream.seen).toHaveLength(1);
  });

  test('is refused with the Bearer scheme, with and without a proof', async () => {
    const token = await fixture.issue(style);
    await fixture.prove(path, token);
    const proof = await fixture.prover.proof(`${fixture.origin}${path}`, token);
    for (const headers of [{}, { DPoP: proof }]) {
      const response = await fixture.call(path, token, { headers });
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token".*, DPoP algs="ES256 /);
      expect(await refusalOf(response)).toBe(
        '401 invalid_token: the access token is bound to a DPoP key and is not a bearer token',
      );
    }
    expect(fixture.upstream.seen).toHaveLength(1);
  });

  test('is refused with a proof that was used before', async () => {
    const token = await fixture.issue(style);
    const proof = await fixture.prover.proof(`${fixture.origin}${path}`, token);
    expect((await fixture.present(path, token, proof)).status).toBe(200);
    const again = await fixture.present(path, token, proof);
    expect(again.headers.get('www-authenticate')).toMatch(
      /^DPoP error="invalid_dpop_proof", error_description="the DPoP proof was used before", algs="[^"]+", resource_metadata="[^"]+"$/,
    );
    expect(await refusalOf(again)).toBe('401 invalid_dpop_proof: the DPoP proof was used before');
  });

  test('is refused with a proof for another request', async () => {
    const token = await fixture.issue(style);
    for (const claims of [
      { htm: 'POST' },
      { htu: `${fixture.origin}/${style}/b` },
      { htu: `https://evil.example${path}` },
    ]) {
      expect(await refusalOf(await fixture.prove(path, token, claims))).toMatch(
        /^401 invalid_dpop_proof: the ht. of the DPoP/,
      );
    }
    expect(fixture.upstream.seen).toEqual([]);
  });

  test('is refused with a proof that is too old or from the future', async () => {
    const token = await fixture.issue(style);
    const iat = fixture.clock.time / 1000;
    expect(await refusalOf(await fixture.prove(path, token, { iat: iat - 61 }))).toMatch(/too old$/);
    expect(await refusalOf(await fixture.prove(path, token, { iat: iat + 6 }))).toMatch(/from the future$/);
  });

  test('needs the scopes of the route', async () => {
    const token = await fixture.issue(style);
    const proof = await fixture.prover.proof(`${fixture.origin}${path}`, token, { htm: 'DELETE' });
    const headers = { Authorization: `DPoP ${token}`, DPoP: proof };
    const response = await fixture.call(path, undefined, { method: 'DELETE', headers });
    expect(response.status).toBe(403);
    expect(response.headers.get('www-authenticate')).toMatch(/^DPoP error="insufficient_scope".*scope="write", algs=/);
  });
});

test.each(['jwt', 'phantom', 'split'] as const)(
  'A token that is not bound, %s, is refused under DPoP',
  async (style) => {
    const token = await fixture.issue(style, null);
    expect((await fixture.call(`/${style}`, token)).status).toBe(200);
    const refused = await fixture.prove(`/${style}`, token);
    expect(refused.headers.get('www-authenticate')).toMatch(
      /^DPoP error="invalid_token", .*, Bearer resource_metadata="/,
    );
    expect(await refusalOf(refused)).toBe('401 invalid_token: the access token is not bound to a DPoP key');
  },
);

test('A proof beside a bearer token is ignored and not forwarded', async () => {
  const token = await fixture.issue('split', null);
  const response = await fixture.call('/split', token, { headers: { DPoP: 'whatever' } });
  expect(response.status).toBe(200);
  expect(fixture.upstream.seen[0]?.headers).not.toHaveProperty('dpop');
});

test.each([
  ['to an empty cnf', {}],
  ['to a key by its kid', { kid: 'key' }],
  ['to a thumbprint that is not a string', { jkt: 1 }],
  ['to a certificate, at a gateway without client certificates', { 'x5t#S256': 'thumbprint' }],
  ['to a string', 'key'],
])('A token that is bound %s is refused with both schemes', async (_, cnf) => {
  const token = await fixture.issue('phantom', cnf as object);
  expect((await fixture.call('/phantom', token)).status).toBe(401);
  expect((await fixture.prove('/phantom', token)).status).toBe(401);
  expect(fixture.upstream.seen).toEqual([]);
});

test('Ambiguous credentials are refused', async () => {
  const token = await fixture.issue('split');
  const proof = await fixture.prover.proof(`${fixture.origin}/split`, token);
  const ask = (...headers: string[]) =>
    send(
      fixture.port,
      message(['GET /split HTTP/1.1', `Host: 127.0.0.1:${fixture.port}`, 'Connection: close', ...headers]),
    );
  const both = await ask(`Authorization: DPoP ${token}`, `Authorization: Bearer ${token}`, `DPoP: ${proof}`);
  expect(both).toMatch(/^HTTP\/1\.1 400 .*"error":"invalid_request"/s);
  const twice = await ask(`Authorization: DPoP ${token}`, `DPoP: ${proof}`, `dpop: ${proof}`);
  expect(twice).toMatch(/^HTTP\/1\.1 401 .*"error":"invalid_dpop_proof".*more than one DPoP proof/s);
  expect(await ask(`Authorization: dPoP  ${token}`, `dpop: ${proof}`)).toMatch(/^HTTP\/1\.1 200 /);
});

test('The challenge for a request without credentials offers both schemes', async () => {
  const response = await fixture.call('/split');
  const metadata = `resource_metadata="${fixture.origin}/.well-known/oauth-protected-resource/split"`;
  expect(response.headers.get('www-authenticate')).toBe(`Bearer ${metadata}, DPoP ${algs}, ${metadata}`);
});

test('The client gets 503 while the store does not say whether a proof was used, and can use the proof afterwards', async () => {
  const token = await fixture.issue('jwt');
  const proof = await fixture.prover.proof(`${fixture.origin}/jwt`, token);
  fixture.store.unavailable = true;
  const response = await fixture.present('/jwt', token, proof);
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
  expect(response.headers.get('www-authenticate')).toBeNull();
  expect(fixture.upstream.seen).toEqual([]);
  fixture.store.unavailable = false;
  expect((await fixture.present('/jwt', token, proof)).status).toBe(200);
});

test('The store keeps no part of a proof', async () => {
  const token = await fixture.issue('split');
  const proof = await fixture.prover.proof(`${fixture.origin}/split`, token);
  await fixture.present('/split', token, proof);
  expect([...fixture.store.used].join()).not.toContain(proof.split('.')[2]);
  expect([...fixture.store.used].join()).not.toContain(token);
  expect(JSON.stringify(fixture.log)).not.toContain(proof.split('.')[1]);
});

describe('An opaque token with the DPoP scheme', () => {
  test('is forwarded with the proof, for the API to check', async () => {
    const token = reference;
    const proof = await fixture.prover.proof(`${fixture.origin}/opaque`, token);
    expect((await fixture.present('/opaque', token, proof)).status).toBe(200);
    expect(fixture.upstream.seen[0]?.headers).toMatchObject({ authorization: `DPoP ${token}`, dpop: proof });
  });

  test('is forwarded without the proof if its scheme is Bearer', async () => {
    const headers = { DPoP: 'proof' };
    expect((await fixture.call('/opaque', reference, { headers })).status).toBe(200);
    expect(fixture.upstream.seen[0]?.headers.authorization).toBe(`Bearer ${reference}`);
    expect(fixture.upstream.seen[0]?.headers).not.toHaveProperty('dpop');
  });
});

test('A WebSocket needs a proof too, and each one its own', async () => {
  const token = await fixture.issue('split');
  const proof = await fixture.prover.proof(`${fixture.origin}/split`, token);
  const head = ['GET /split HTTP/1.1', `Host: 127.0.0.1:${fixture.port}`, 'Connection: Upgrade', 'Upgrade: websocket'];
  const ask = () => send(fixture.port, message([...head, `Authorization: DPoP ${token}`, `DPoP: ${proof}`]));
  // This API refuses the handshake, and its response is forwarded.
  expect(await ask()).toMatch(/^HTTP\/1\.1 200 /);
  expect(fixture.upstream.seen[0]?.headers).toMatchObject({ upgrade: 'websocket' });
  expect(fixture.upstream.seen[0]?.headers).not.toHaveProperty('dpop');
  expect(await ask()).toMatch(/^HTTP\/1\.1 401 .*the DPoP proof was used before/s);
});
