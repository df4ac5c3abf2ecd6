import { beforeAll, describe, expect, test } from '@jest/globals';
import { ValidationUnavailableError } from '../errors.ts';
import { createOrdersClient, heldToken, type OrdersClient, provedAt, setUpCheck, uri } from '../testing/proofs.ts';
import { createProofCheck, defaultDPoPAlgorithms } from './check_proof.ts';

let prover: OrdersClient;
let stranger: OrdersClient;
beforeAll(async () => {
  [prover, stranger] = await Promise.all([createOrdersClient(), createOrdersClient()]);
});

describe('a good DPoP proof', () => {
  test.each(defaultDPoPAlgorithms)('is accepted when it is signed with %s', async (alg) => {
    const client = await createOrdersClient(alg);
    await expect(
      setUpCheck(prover.cnf.jkt).present(await client.proof(), { thumbprint: client.cnf.jkt }),
    ).resolves.toBeUndefined();
  });

  test.each([
    ['with a query and a fragment in htu, which do not count', { htu: `${uri}?a=1#b` }, {}],
    ['with another spelling of the same htu', { htu: 'HTTPS://API.example.com:443/x/../orders/%31' }, {}],
    ['for a request with a query', {}, { uri: `${uri}?page=2` }],
    ['for another method', { htm: 'PATCH' }, { method: 'PATCH' }],
    ['of the maximum age', { iat: provedAt - 60 }, {}],
    ['as far in the future as clockTolerance allows', { iat: provedAt + 5 }, {}],
    ['with an iat that is not an integer', { iat: provedAt - 0.5 }, {}],
    ['with a jti of the maximum length', { jti: 'j'.repeat(256) }, {}],
    ['with a nonce although none is required', { nonce: 'from elsewhere' }, {}],
    ['with unknown claims', { extra: { deep: true } }, {}],
  ])('is accepted %s', async (_, claims, expected) => {
    await expect(setUpCheck(prover.cnf.jkt).present(await prover.proof(claims), expected)).resolves.toBeUndefined();
  });

  test('is accepted with a kid in its header, and with members of the key that do not matter', async () => {
    const jwk = { ...prover.publicJwk, kid: 'mine', use: 'sig', key_ops: ['verify'] };
    await expect(
      setUpCheck(prover.cnf.jkt).present(await prover.proof({}, { kid: 'mine', jwk })),
    ).resolves.toBeUndefined();
  });
});

describe('a repeated DPoP proof', () => {
  test('is refused for as long as it would be accepted', async () => {
    const { present, clock } = setUpCheck(prover.cnf.jkt);
    const proof = await prover.proof({ iat: provedAt + 5 });
    await present(proof);
    for (const seconds of [0, 30, 65]) {
      clock.seconds = provedAt + seconds;
      await expect(present(proof)).rejects.toMatchObject({ description: 'the DPoP proof was used before' });
    }
    clock.seconds = provedAt + 66;
    await expect(present(proof)).rejects.toMatchObject({ description: 'the DPoP proof is too old' });
  });

  test('is refused with another signature too, and at another URI', async () => {
    const { present } = setUpCheck(prover.cnf.jkt);
    await present(await prover.proof({ jti: 'once' }));
    await expect(present(await prover.proof({ jti: 'once' }))).rejects.toMatchObject({
      description: 'the DPoP proof was used before',
    });
    const elsewhere = await prover.proof({ jti: 'once', htu: `${uri}/2` });
    await expect(present(elsewhere, { uri: `${uri}/2` })).rejects.toMatchObject({
      description: 'the DPoP proof was used before',
    });
  });

  test('counts as another one with the key of another client', async () => {
    const { present } = setUpCheck(prover.cnf.jkt);
    await present(await prover.proof({ jti: 'once' }));
    await expect(
      present(await stranger.proof({ jti: 'once' }), { thumbprint: stranger.cnf.jkt }),
    ).resolves.toBeUndefined();
  });

  test('is accepted after a refused request with it', async () => {
    const { present } = setUpCheck(prover.cnf.jkt);
    const proof = await prover.proof();
    await expect(present(proof, { method: 'POST' })).rejects.toThrow();
    await expect(present(proof, { thumbprint: stranger.cnf.jkt })).rejects.toThrow();
    await expect(present(proof)).resolves.toBeUndefined();
  });

  test('passes once among many concurrent requests', async () => {
    const { present } = setUpCheck(prover.cnf.jkt);
    const proof = await prover.proof();
    const outcomes = await Promise.allSettled([...Array(20)].map(() => present(proof)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('gets 503 when the record of used proofs is not available', async () => {
    const trouble = new ValidationUnavailableError('the token store could not be reached');
    const useOnce = () => Promise.reject(trouble);
    const check = createProofCheck({}, { useOnce, now: () => provedAt * 1000 });
    const request = { rawHeaders: ['DPoP', await prover.proof()] };
    const expected = { method: 'GET', uri, token: heldToken, thumbprint: prover.cnf.jkt };
    await expect(check(request, expected)).rejects.toBe(trouble);
  });
});

describe('where nonces are required, a DPoP proof', () => {
  const secret = 'what all gateways know';

  test('without a nonce gets one', async () => {
    const { present, nonces } = setUpCheck(prover.cnf.jkt, {}, secret);
    await expect(present(await prover.proof())).rejects.toMatchObject({
      code: 'use_dpop_nonce',
      status: 401,
      dpopNonce: nonces?.current(),
    });
  });

  test.each([['a guess'], ['']])('with the nonce "%s" gets the current one', async (nonce) => {
    const { present, nonces } = setUpCheck(prover.cnf.jkt, {}, secret);
    await expect(present(await prover.proof({ nonce }))).rejects.toMatchObject({
      code: 'use_dpop_nonce',
      description: 'the nonce of the DPoP proof is stale',
      dpopNonce: nonces?.current(),
    });
  });

  test('passes with the current nonce, once, whatever the clock of the client', async () => {
    const { present, nonces } = setUpCheck(prover.cnf.jkt, {}, secret);
    const proof = await prover.proof({ nonce: nonces?.current(), iat: provedAt - 86_400 });
    await expect(present(proof)).resolves.toBeUndefined();
    await expect(present(proof)).rejects.toMatchObject({ description: 'the DPoP proof was used before' });
  });

  test('passes at another process with the same secret, and not at one with another secret', async () => {
    const { nonces } = setUpCheck(prover.cnf.jkt, {}, secret);
    const proof = await prover.proof({ nonce: nonces?.current() });
    await expect(setUpCheck(prover.cnf.jkt, {}, secret).present(proof)).resolves.toBeUndefined();
    await expect(setUpCheck(prover.cnf.jkt, {}, 'another secret').present(proof)).rejects.toMatchObject({
      code: 'use_dpop_nonce',
    });
  });

  test('passes with the previous nonce, and gets the new one', async () => {
    const { present, nonces, clock } = setUpCheck(prover.cnf.jkt, {}, secret);
    const nonce = nonces?.current();
    clock.seconds += 60;
    const current = nonces?.current();
    expect(current).not.toBe(nonce);
    await expect(present(await prover.proof({ nonce }))).resolves.toBe(current);
    clock.seconds += 60;
    await expect(present(await prover.proof({ nonce }))).rejects.toMatchObject({ code: 'use_dpop_nonce' });
  });

  test('does not use up its jti without the nonce', async () => {
    const { present, nonces } = setUpCheck(prover.cnf.jkt, {}, secret);
    await expect(present(await prover.proof({ jti: 'once' }))).rejects.toMatchObject({ code: 'use_dpop_nonce' });
    await expect(present(await prover.proof({ jti: 'once', nonce: nonces?.current() }))).resolves.toBeUndefined();
  });
});

describe('a check of DPoP proofs', () => {
  const dependencies = { useOnce: async () => true, now: Date.now };
  test.each([
    ['algorithms', { algorithms: [] }],
    ['algorithms', { algorithms: ['HS256'] }],
    ['algorithms', { algorithms: ['none'] }],
    ['maxAge', { maxAge: 0 }],
    ['clockTolerance', { clockTolerance: -1 }],
  ])('cannot be created with an invalid %s', (name, options) => {
    expect(() => createProofCheck(options, dependencies)).toThrow(TypeError);
    expect(() => createProofCheck(options, dependencies)).toThrow(name);
  });

  test('cannot be created without useOnce', () => {
    expect(() => createProofCheck({}, { now: Date.now } as never)).toThrow(TypeError);
  });
});
