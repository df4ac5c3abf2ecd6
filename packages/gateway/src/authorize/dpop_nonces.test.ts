import { describe, expect, test } from '@jest/globals';
import { listen } from '@tallystick/testing/listen';
import type { GatewayConfig } from '../config/config.ts';
import { createGateway } from '../gateway.ts';
import { createGatewayServer } from '../server.ts';
import { refusalOf, withDPoPFixture } from '../testing/dpop_fixture.ts';
import { type GatewayInput, gatewayConfigOf, route } from '../testing/gateway_config.ts';
import type { GatewayFixture } from '../testing/gateway_fixture.ts';

describe('With nonce: required', () => {
  const secret = 'the secret of all gateways on one store';
  const dpop = { nonce: 'required' } as const;

  test('a client gets a nonce, and a new one before it expires', () =>
    withDPoPFixture(
      () => ({ dpop, secret }),
      async (fixture) => {
        const token = await fixture.issue('split');
        const challenged = await fixture.prove('/split', token);
        expect(challenged.headers.get('www-authenticate')).toMatch(
          /^DPoP error="use_dpop_nonce", .*resource_metadata="[^"]+"$/,
        );
        expect(await refusalOf(challenged)).toBe('401 use_dpop_nonce: the DPoP proof must carry a nonce');
        const nonce = challenged.headers.get('dpop-nonce') ?? '';

        const served = await fixture.prove('/split', token, { nonce });
        expect([served.status, served.headers.get('dpop-nonce')]).toEqual([200, null]);
        fixture.clock.time += 60_000;
        const rotating = await fixture.prove('/split', token, { nonce });
        expect(rotating.status).toBe(200);
        const next = rotating.headers.get('dpop-nonce') ?? '';
        expect(next).toMatch(/^[\w-]{43}$/);
        expect(next).not.toBe(nonce);
        fixture.clock.time += 120_000;
        const stale = await fixture.prove('/split', token, { nonce: next });
        expect(await refusalOf(stale)).toMatch(/^401 use_dpop_nonce/);
        expect(stale.headers.get('dpop-nonce')).not.toBe(next);
      },
    ));

  test('another gateway with the same secret and store accepts the nonce, but not the same proof again', () =>
    withDPoPFixture(
      () => ({ dpop, secret, publicUrl: 'https://api.example.com' }),
      async (fixture) => {
        const second = createGateway(secondOf(fixture, { dpop, secret, publicUrl: 'https://api.example.com' }), {
          store: fixture.store,
          log: { debug() {}, info() {}, warn() {}, error() {} },
          now: () => fixture.clock.time,
        });
        const server = await listen(createGatewayServer(second, fixture.config));
        const token = await fixture.issue('split');
        const url = 'https://api.example.com/split';
        const first = await fixture.present('/split', token, await fixture.prover.proof(url, token));
        const nonce = first.headers.get('dpop-nonce');
        const proof = await fixture.prover.proof(url, token, { nonce });
        const headers = { Authorization: `DPoP ${token}`, DPoP: proof };
        const statuses = [
          await fetch(`${server.origin}/split`, { headers }),
          await fixture.present('/split', token, proof),
        ];
        expect(statuses.map(({ status }) => status)).toEqual([200, 401]);
        expect(await refusalOf(statuses[1] as Response)).toMatch(/was used before$/);
        await server.stop();
        await second.close();
      },
    ));

  test('a route can switch it off, and the nonces of its API are forwarded', () =>
    withDPoPFixture(
      ({ routes }) => ({
        dpop,
        secret,
        routes: routes.map((route) => (route.prefix === '/jwt' ? { ...route, dpop: { nonce: 'off' } } : route)),
      }),
      async (fixture) => {
        const free = await fixture.prove('/jwt', await fixture.issue('jwt'));
        expect([free.status, free.headers.get('dpop-nonce')]).toEqual([200, 'of-the-api']);
        const token = await fixture.issue('split');
        const nonce = (await fixture.prove('/split', token)).headers.get('dpop-nonce');
        fixture.clock.time += 60_000;
        const rotating = await fixture.prove('/split', token, { nonce });
        expect(rotating.status).toBe(200);
        expect(rotating.headers.get('dpop-nonce')).toMatch(/^[\w-]{43}$/);
      },
      (_request, response) => response.setHeader('DPoP-Nonce', 'of-the-api').end('ok'),
    ));
});

/** The configuration of a second gateway beside that of a fixture. */
function secondOf({ config, upstream }: GatewayFixture, change: Partial<GatewayInput>): GatewayConfig {
  const { issuer, authorizationServer, client } = config;
  const routes = [{ ...route('split', upstream.origin), scopes: { GET: [] } }];
  return gatewayConfigOf({ issuer, authorizationServer, client, routes, ...change });
}
