import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { signatureOf } from '@tallystick/common';
import { CLIENT_CERTIFICATE } from '@tallystick/testing/client_certificate';
import { athOf } from '@tallystick/testing/dpop_prover';
import { SignJWT } from 'jose';
import { certificateThumbprint } from './client_certificate.ts';
import { checkedAtTheGateway, createSenderConstraint, type SenderConstraintOptions } from './sender_constraint.ts';
import { createOrdersClient, heldToken, type OrdersClient, provedAt, uri } from './testing/proofs.ts';

const certificate = new X509Certificate(CLIENT_CERTIFICATE);
const x5t = certificateThumbprint(certificate);
const now = () => provedAt * 1000;

let prover: OrdersClient;
beforeAll(async () => {
  prover = await createOrdersClient();
});

interface TestRequest {
  readonly method: string;
  readonly rawHeaders: readonly string[];
}

/** Checks a token with these claims. @param certified whether the client presents its certificate */
async function check(
  {
    scheme = 'Bearer' as 'Bearer' | 'DPoP',
    cnf = undefined as unknown,
    proof = '',
    certified = false,
    token = heldToken,
  },
  options: Partial<SenderConstraintOptions<TestRequest>['dpop']> = {},
) {
  const constraint = createSenderConstraint<TestRequest>(
    { dpop: { uriOf: () => uri, ...options }, certificateOf: () => (certified ? certificate : undefined) },
    { now },
  );
  const rawHeaders = proof === '' ? [] : ['DPoP', proof];
  return constraint.check(
    { method: 'GET', rawHeaders },
    { scheme, token },
    { aud: 'a', ...(cnf !== undefined && { cnf }) },
  );
}

describe('A token', () => {
  test('that is not bound passes under Bearer, and not under DPoP', async () => {
    await expect(check({})).resolves.toBeUndefined();
    await expect(check({ scheme: 'DPoP', proof: await prover.proof() })).rejects.toMatchObject({
      code: 'invalid_token',
      description: 'the access token is not bound to a DPoP key',
    });
  });

  test('bound to a DPoP key passes with its proof, and not under Bearer', async () => {
    const cnf = prover.cnf;
    const proof = await prover.proof();
    await expect(check({ scheme: 'DPoP', cnf, proof })).resolves.toBeUndefined();
    await expect(check({ scheme: 'Bearer', cnf, proof })).rejects.toMatchObject({ code: 'invalid_token' });
    await expect(check({ scheme: 'DPoP', cnf })).rejects.toMatchObject({ code: 'invalid_dpop_proof' });
  });

  test('bound to a certificate passes with it', async () => {
    const cnf = { 'x5t#S256': x5t };
    await expect(check({ cnf, certified: true })).resolves.toBeUndefined();
    await expect(check({ cnf })).rejects.toMatchObject({ code: 'invalid_token' });
    const other = { 'x5t#S256': x5t.toUpperCase() };
    await expect(check({ cnf: other, certified: true })).rejects.toMatchObject({ code: 'invalid_token' });
    await expect(check({ scheme: 'DPoP', cnf, certified: true })).rejects.toMatchObject({ code: 'invalid_token' });
  });

  test('bound to both needs both', async () => {
    const cnf = { jkt: prover.cnf.jkt, 'x5t#S256': x5t };
    const proof = await prover.proof();
    await expect(check({ scheme: 'DPoP', cnf, proof, certified: true })).resolves.toBeUndefined();
    await expect(check({ scheme: 'DPoP', cnf, proof })).rejects.toMatchObject({ code: 'invalid_token' });
    await expect(check({ scheme: 'DPoP', cnf, certified: true })).rejects.toMatchObject({ code: 'invalid_dpop_proof' });
  });

  test('with an additional unsupported binding is checked by the supported ones', async () => {
    const cnf = { jkt: prover.cnf.jkt, unheard: 'of' };
    await expect(check({ scheme: 'DPoP', cnf, proof: await prover.proof() })).resolves.toBeUndefined();
  });

  test.each([[{}], [{ kid: 'k' }], [{ jkt: 7 }], [{ 'x5t#S256': null }], ['text'], [null], [7], [[]]])(
    'bound by %j is refused under both schemes',
    async (cnf) => {
      const description = 'the binding of the access token (cnf) is not supported';
      const proof = await prover.proof();
      await expect(check({ cnf, certified: true })).rejects.toMatchObject({ code: 'invalid_token', description });
      await expect(check({ scheme: 'DPoP', cnf, proof })).rejects.toMatchObject({ code: 'invalid_token' });
    },
  );
});

describe('A split token that a gateway joined', () => {
  test('is proved by its signature, which the client holds', async () => {
    const jwt = await new SignJWT({ cnf: prover.cnf }).setProtectedHeader({ alg: 'ES256' }).sign(prover.privateKey);
    const cnf = prover.cnf;
    const proof = await prover.proof({ ath: athOf(jwt.split('.')[2] ?? '') });
    const presented = { scheme: 'DPoP' as const, cnf, proof, token: jwt };
    await expect(check(presented, { clientHeldToken: signatureOf })).resolves.toBeUndefined();
    await expect(check(presented)).rejects.toMatchObject({ code: 'invalid_dpop_proof' });
    const ofJwt = { ...presented, proof: await prover.proof({ ath: athOf(jwt) }) };
    await expect(check(ofJwt, { clientHeldToken: signatureOf })).rejects.toMatchObject({ code: 'invalid_dpop_proof' });
  });
});

test('An API without a sender constraint accepts no bound token and no DPoP scheme', async () => {
  const constraint = createSenderConstraint({});
  expect(constraint.schemes).toEqual(['Bearer']);
  const presented = { scheme: 'Bearer', token: heldToken } as const;
  for (const cnf of [prover.cnf, { 'x5t#S256': x5t }]) {
    const checking = constraint.check({ rawHeaders: [] }, presented, { aud: 'a', cnf });
    await expect(checking).rejects.toMatchObject({ code: 'invalid_token' });
  }
});

test('An API that relies on its gateway accepts a bound token as a bearer token', async () => {
  const claims = { aud: 'a', cnf: prover.cnf };
  await expect(checkedAtTheGateway.check({}, { scheme: 'Bearer', token: 'a' }, claims)).resolves.toBeUndefined();
  expect(checkedAtTheGateway.schemes).toEqual(['Bearer']);
});

test('All requests share one record of used proofs', async () => {
  const constraint = createSenderConstraint<TestRequest>({ dpop: { uriOf: () => uri } }, { now });
  const request = { method: 'GET', rawHeaders: ['DPoP', await prover.proof()] };
  const presented = { scheme: 'DPoP', token: heldToken } as const;
  const claims = { aud: 'a', cnf: prover.cnf };
  await constraint.check(request, presented, claims);
  await expect(constraint.check(request, presented, claims)).rejects.toMatchObject({ code: 'invalid_dpop_proof' });
});

test.each([{ dpop: {} }, { dpop: { uriOf: () => uri, algorithms: ['none'] } }, { certificateOf: 'header' }])(
  'It cannot be made of %j',
  (options) => {
    expect(() => createSenderConstraint(options as never)).toThrow(TypeError);
  },
);
