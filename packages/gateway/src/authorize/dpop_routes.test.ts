import { describe, expect, test } from '@jest/globals';
import { type DPoPFixture, refusalOf, withDPoPFixture } from '../testing/dpop_fixture.ts';
import type { GatewayInput, RouteInput } from '../testing/gateway_config.ts';

/** An opaque token, which only the API knows. */
const reference = 'r'.repeat(43);

const withDPoP =
  (dpop: RouteInput['dpop'] & object) =>
  ({ routes }: GatewayInput) => ({
    routes: routes.flatMap((route) => (route.prefix === '/phantom' ? [] : [{ ...route, dpop }])),
  });

test.each(['jwt', 'split'] as const)(
  'With dpop.forward the API gets the %s token with the DPoP scheme and the proof',
  (style) =>
    withDPoPFixture(withDPoP({ forward: true }), async (fixture) => {
      const token = await fixture.issue(style);
      const proof = await fixture.prover.proof(`${fixture.origin}/${style}`, token);
      expect((await fixture.present(`/${style}`, token, proof)).status).toBe(200);
      const [seen] = fixture.upstream.seen;
      expect(seen?.headers.dpop).toBe(proof);
      expect(seen?.headers.authorization).toMatch(/^DPoP ([\w-]+\.){2}[\w-]+$/);
      expect(seen?.headers.authorization?.endsWith(token)).toBe(true);
      const free = await fixture.issue(style, null);
      await fixture.call(`/${style}`, free, { headers: { DPoP: 'whatever' } });
      expect(fixture.upstream.seen[1]?.headers.authorization).toMatch(/^Bearer /);
      expect(fixture.upstream.seen[1]?.headers).not.toHaveProperty('dpop');
    }),
);

test('With dpop.required the metadata says so, and bearer tokens are refused', () =>
  withDPoPFixture(withDPoP({ required: true }), async (fixture) => {
    const challenged = await fixture.call('/split');
    expect(challenged.headers.get('www-authenticate')).toMatch(/^DPoP algs="[^"]+", resource_metadata="[^"]+"$/);
    const free = await fixture.issue('split', null);
    const refused = await fixture.call('/split', free);
    expect(await refusalOf(refused)).toBe(
      '401 invalid_token: the API accepts only access tokens that are bound to a DPoP key',
    );
    expect((await fixture.call('/opaque', reference)).status).toBe(401);
    const metadata = await fetch(`${fixture.origin}/.well-known/oauth-protected-resource/split`);
    expect(await metadata.json()).toMatchObject({ dpop_bound_access_tokens_required: true });
    const token = await fixture.issue('split');
    expect((await fixture.prove('/split', token)).status).toBe(200);
  }));

describe('Behind a proxy', () => {
  const forwarded = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'api.example.com' };

  async function ask(fixture: DPoPFixture, url: string) {
    const token = await fixture.issue('split');
    const headers = { Authorization: `DPoP ${token}`, DPoP: await fixture.prover.proof(url, token), ...forwarded };
    return (await fixture.call('/split', undefined, { headers })).status;
  }

  test('htu must have the public URL', () =>
    withDPoPFixture(
      () => ({ publicUrl: 'https://public.example.com' }),
      async (fixture) => {
        expect(await ask(fixture, 'https://public.example.com/split')).toBe(200);
        expect(await ask(fixture, 'https://api.example.com/split')).toBe(401);
        expect(await ask(fixture, `${fixture.origin}/split`)).toBe(401);
      },
    ));

  test('htu must have the origin that a trusted proxy forwards', () =>
    withDPoPFixture(
      () => ({ trustedProxies: ['127.0.0.1'] }),
      async (fixture) => {
        expect(await ask(fixture, 'https://api.example.com/split')).toBe(200);
        expect(await ask(fixture, `${fixture.origin}/split`)).toBe(401);
        expect(fixture.upstream.seen[0]?.headers).toMatchObject({
          'x-forwarded-host': 'api.example.com',
          'x-forwarded-proto': 'https',
        });
      },
    ));

  test('headers from an untrusted proxy are ignored', () =>
    withDPoPFixture(
      () => ({}),
      async (fixture) => {
        expect(await ask(fixture, 'https://api.example.com/split')).toBe(401);
        expect(await ask(fixture, `${fixture.origin}/split`)).toBe(200);
      },
    ));
});

test('The proof in a decision for another gateway is for the original request', () =>
  withDPoPFixture(
    () => ({ trustedProxies: ['127.0.0.1'], decisionEndpoints: [{ path: '/decision', for: 'nginx' }] }),
    async (fixture) => {
      const token = await fixture.issue('split');
      const decide = async (proof: string, method = 'GET') => {
        const original = { 'X-Original-Method': method, 'X-Original-URI': '/split/a?b=c' };
        const forwarded = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'api.example.com' };
        const headers = { Authorization: `DPoP ${token}`, DPoP: proof, ...original, ...forwarded };
        return fixture.call('/decision', undefined, { headers });
      };
      const proof = await fixture.prover.proof('https://api.example.com/split/a', token);
      const decided = await decide(proof);
      expect(decided.status).toBe(200);
      expect(decided.headers.get('authorization')).toMatch(/^Bearer ([\w-]+\.){2}[\w-]+$/);
      expect((await decide(proof)).status).toBe(401);
      expect((await decide(await fixture.prover.proof('https://api.example.com/split/a', token), 'POST')).status).toBe(
        401,
      );
      expect((await decide(await fixture.prover.proof(`${fixture.origin}/decision`, token))).status).toBe(401);
    },
  ));
