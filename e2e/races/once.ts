import { createHash } from 'node:crypto';
import { exportJWK, SignJWT } from 'jose';
import { rfc } from '../requirements/source.ts';
import { boundClient } from '../support/clients/bound_client.ts';
import { resourceOf } from '../support/worlds/world.ts';
import type { Race } from './race.ts';
import type { RaceWorld } from './race_world.ts';
import {
  askAlice,
  authorizationRequest,
  CIBA,
  decide,
  freshCode,
  freshTokens,
  post,
  tokenRequests,
  wordOf,
} from './requests.ts';

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** Sends the same token request to both servers. */
function atBoth(world: RaceWorld, form: Record<string, string>, client: string) {
  const { request, got, lives } = tokenRequests(world);
  return { got, lives, actions: world.servers.map((server) => () => request(server, form, client)) };
}

async function proof(keys: Awaited<ReturnType<typeof boundClient>>['keys'], claims: object): Promise<string> {
  return new SignJWT({ jti: crypto.randomUUID(), ...claims })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: await exportJWK(keys.publicKey) })
    .setIssuedAt()
    .sign(keys.privateKey);
}

/** Races about values that work only once. */
export const once: readonly Race[] = [
  {
    name: 'a code at two servers',
    source: rfc(6749, '4.1.2'),
    async prepare(world) {
      const { actions, lives } = atBoth(world, await freshCode(world, 'phantom'), 'portal');
      return { actions, after: () => lives('phantom') };
    },
    allowed: ['invalid_grant + tokens; dead'],
  },
  {
    name: 'a refresh token at two servers',
    source: rfc(9700, '4.14.2'),
    async prepare(world) {
      const { refreshToken } = await freshTokens(world, 'split');
      const form = { grant_type: 'refresh_token', refresh_token: refreshToken };
      const { actions, lives, got } = atBoth(world, form, 'demo-bank');
      return {
        actions,
        async after() {
          const { request } = tokenRequests(world);
          const next = { grant_type: 'refresh_token', refresh_token: String(got[0]?.refresh_token) };
          return `${await lives('split')}, next ${await request(world.servers[1], next, 'demo-bank')}`;
        },
      };
    },
    allowed: ['invalid_grant + tokens; alive, next tokens'],
  },
  {
    name: 'an approved backchannel request at two servers',
    source: rfc(6749, '4.1.2'),
    async prepare(world) {
      const { auth_req_id } = await askAlice(world, 'phantom');
      await decide(world, 0, auth_req_id, 'approve');
      const { actions, lives } = atBoth(world, { grant_type: CIBA, auth_req_id }, 'demo-bank');
      return { actions, after: () => lives('phantom') };
    },
    allowed: ['invalid_grant + tokens; dead'],
  },
  {
    name: 'an assertion three times',
    source: rfc(7523, '3'),
    async prepare(world) {
      const assertion = await world.assertion();
      const form = { grant_type: JWT_BEARER, assertion, scope: 'read', resource: resourceOf('split') };
      const { request, lives } = tokenRequests(world);
      const servers = [...world.servers, world.servers[0]];
      return {
        actions: servers.map((server) => () => request(server, form, 'demo-service')),
        after: () => lives('split'),
      };
    },
    allowed: ['invalid_grant + invalid_grant + tokens; alive'],
  },
  {
    name: "a client's assertion at two servers",
    source: rfc(7523, '3'),
    async prepare(world) {
      const assertion = await new SignJWT({ iss: 'racer', sub: 'racer', aud: world.issuer })
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .setJti(crypto.randomUUID())
        .setIssuedAt()
        .setExpirationTime('1m')
        .sign(world.clientKeys.privateKey);
      world.log.secret(assertion);
      const form = {
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
        resource: resourceOf('split'),
        scope: 'read',
      };
      const { got, lives } = tokenRequests(world);
      const ask = async (server: string) => {
        const answer = await fetch(`${server}/token`, { method: 'POST', body: new URLSearchParams(form) });
        const body = (await answer.json()) as Record<string, unknown>;
        if (answer.status === 200) got.push(body);
        return wordOf({ status: answer.status, body });
      };
      return { actions: world.servers.map((server) => () => ask(server)), after: () => lives('split') };
    },
    allowed: ['invalid_client + tokens; alive'],
  },
  {
    name: 'a DPoP proof at two servers',
    source: rfc(9449, '11.1'),
    async prepare(world) {
      const { keys } = await boundClient(world);
      const headers = {
        Authorization: `Basic ${btoa('demo-service:demo-service-secret')}`,
        DPoP: await proof(keys, { htm: 'POST', htu: `${world.issuer}/token` }),
      };
      const form = { grant_type: 'client_credentials', resource: resourceOf('split'), scope: 'read' };
      const ask = async (server: string) => {
        const answer = await fetch(`${server}/token`, { method: 'POST', headers, body: new URLSearchParams(form) });
        const body = (await answer.json()) as Record<string, unknown>;
        world.log.secret(...(answer.status === 200 ? [String(body.access_token)] : []));
        return wordOf({ status: answer.status, body });
      };
      return { actions: world.servers.map((server) => () => ask(server)) };
    },
    allowed: ['invalid_grant + tokens'],
  },
  {
    name: 'a DPoP proof at two gateways, three times',
    source: rfc(9449, '11.1'),
    async prepare(world) {
      const { keys, obtain } = await boundClient(world);
      const token = await obtain('phantom');
      const headers = {
        Authorization: `DPoP ${token}`,
        DPoP: await proof(keys, {
          htm: 'GET',
          htu: `${world.publicUrl}/phantom/hello`,
          ath: createHash('sha256').update(token).digest('base64url'),
        }),
      };
      const ask = async (door: string) => String((await fetch(`${door}/phantom/hello`, { headers })).status);
      return { actions: [...world.doors, world.doors[0]].map((door) => () => ask(door)) };
    },
    allowed: ['200 + 401 + 401'],
  },
  {
    name: 'a pushed authorization request at two servers',
    source: rfc(9126, '4'),
    async prepare(world) {
      await freshCode(world, 'split'); // After this, alice sees no more pages.
      const { body } = await post(`${world.servers[0]}/request`, await authorizationRequest('split'), 'portal');
      world.log.secret(String(body.request_uri));
      const query = new URLSearchParams({ client_id: 'portal', request_uri: String(body.request_uri) });
      const ask = async () => {
        // The load balancer sends requests to the servers in turn.
        const answer = await world.alice.get(`/auth?${query}`).redirects(0);
        const { searchParams } = new URL(String(answer.headers.location ?? 'about:blank'));
        world.log.secret(searchParams.get('code'));
        if (searchParams.has('code')) return 'code';
        return searchParams.get('error') ?? /invalid_\w+/.exec(answer.text)?.[0] ?? `${answer.status}`;
      };
      return { actions: [ask, ask] };
    },
    allowed: ['code + invalid_request_uri'],
  },
];
