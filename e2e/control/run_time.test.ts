import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import * as oidc from 'openid-client';
import { requirement } from '../requirements/index.ts';
import { shown } from '../support/clients/clients.ts';
import { signIn } from '../support/clients/sign_in.ts';
import { type Controlled, startControlled } from '../support/worlds/controlled.ts';
import { resourceOf } from '../support/worlds/world.ts';

let world: Controlled;
beforeAll(async () => {
  world = await startControlled();
});
afterAll(() => world.stop());

const API = { resource: resourceOf('phantom'), scopes: ['read'] };
const ADDED = { id: 'added', secret: 'added-secret', grants: ['client_credentials'] };

async function tokenOf(id: string, secret: string, resource: string, issuer = world.issuer): Promise<string> {
  const client = await oidc.discovery(new URL(issuer), id, secret, oidc.ClientSecretBasic(secret), {
    execute: [oidc.allowInsecureRequests],
  });
  const { access_token: token } = await oidc.clientCredentialsGrant(client, { resource, scope: 'read' });
  world.log.secret(token);
  return token;
}

test(requirement('changes-at-run-time', 'clients'), async () => {
  await expect(tokenOf('added', 'added-secret', resourceOf('split'))).rejects.toThrow();
  expect((await world.control('PUT', '/clients', ADDED)).status).toBe(201);
  expect(
    (await shown(world.gateways[0], 'split', await tokenOf('added', 'added-secret', resourceOf('split')))).claims
      .client_id,
  ).toBe('added');
  expect((await world.control('PUT', '/clients', { ...ADDED, secret: 'another-secret' })).status).toBe(200);
  await expect(tokenOf('added', 'added-secret', resourceOf('split'))).rejects.toThrow();
  await tokenOf('added', 'another-secret', resourceOf('split'));
  const { body } = await world.control('GET', '/clients');
  expect(body.clients.map(({ id }: { id: string }) => id)).toContain('added');
  expect((await world.control('DELETE', '/clients/added')).status).toBe(204);
  expect((await world.control('DELETE', '/clients/added')).status).toBe(404);
  await expect(tokenOf('added', 'another-secret', resourceOf('split'))).rejects.toThrow();
});

test(requirement('changes-at-run-time', 'many changes at the same time'), async () => {
  const ids = Array.from({ length: 10 }, (_, index) => `one-of-many-${index}`);
  const put = await Promise.all(ids.map((id) => world.control('PUT', '/clients', { ...ADDED, id })));
  expect(put.map(({ status }) => status)).toEqual(ids.map(() => 201));
  const { body } = await world.control('GET', '/clients');
  expect(body.clients.map(({ id }: { id: string }) => id)).toEqual(expect.arrayContaining(ids));
  await Promise.all(ids.map((id) => tokenOf(id, ADDED.secret, resourceOf('split'))));
  const tenants = await Promise.all(
    [0, 1, 2].map(() => world.control('POST', '/tenants', { id: 'same', apis: [API], clients: [] })),
  );
  expect(tenants.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
  expect((await world.control('DELETE', '/tenants/same')).status).toBe(204);
});

test(requirement('changes-at-run-time', 'users'), async () => {
  await world.control('PUT', '/users', { id: 'alice', claims: { email: 'new@example.com', role: 'guest' } });
  const { tokens } = await signIn(world, { style: 'phantom' });
  const { claims } = await shown(world.gateways[0], 'phantom', tokens.access_token);
  expect(claims).toMatchObject({ sub: 'alice', email: 'new@example.com', role: 'guest' });
  expect(claims).not.toHaveProperty('ssn');
});

test(requirement('changes-at-run-time', 'APIs'), async () => {
  const api = {
    resource: 'https://new.example.com/a?b=c',
    accessTokens: 'jwt',
    scopes: ['read'],
    claims: { who: '/client/id' },
  };
  await expect(tokenOf('demo-service', 'demo-service-secret', api.resource)).rejects.toMatchObject({
    error: 'invalid_target',
  });
  expect((await world.control('PUT', '/apis', api)).status).toBe(201);
  expect(decodeJwt(await tokenOf('demo-service', 'demo-service-secret', api.resource)).who).toBe('demo-service');
  expect((await world.control('DELETE', `/apis/${encodeURIComponent(api.resource)}`)).status).toBe(204);
  await expect(tokenOf('demo-service', 'demo-service-secret', api.resource)).rejects.toMatchObject({
    error: 'invalid_target',
  });
});

test(requirement('changes-at-run-time', 'tenants'), async () => {
  const tenant = { id: 'ours', apis: [{ resource: resourceOf('phantom'), scopes: ['read'] }], clients: [ADDED] };
  const made = await world.control('POST', '/tenants', tenant);
  expect([made.status, made.body]).toEqual([201, { id: 'ours', issuer: `${world.issuer}/ours` }]);
  expect(await tokenOf('added', 'added-secret', resourceOf('phantom'), made.body.issuer)).toMatch(/^[\w-]{43}$/);
  expect((await world.control('POST', '/tenants', tenant)).status).toBe(409);
  expect((await world.control('GET', '/tenants')).body.tenants).toEqual([made.body]);
});

test(requirement('changes-at-run-time', 'reset'), async () => {
  await world.control('PUT', '/clients', ADDED);
  await world.control('PUT', '/users', { id: 'alice' });
  expect((await world.control('POST', '/reset', {})).status).toBe(200);
  const ids = async (what: string) =>
    (await world.control('GET', `/${what}`)).body[what].map(({ id }: { id: string }) => id);
  expect(await ids('clients')).not.toContain('added');
  expect(await ids('tenants')).toEqual([]);
  const { tokens } = await signIn(world, { style: 'phantom' });
  expect((await shown(world.gateways[0], 'phantom', tokens.access_token)).claims).toHaveProperty('ssn');
});

test.each([
  ['PUT', '/clients', { id: 'x', grants: ['magic'] }, 'grants[0]'],
  ['PUT', '/clients', { id: 'x', grants: ['client_credentials'] }, 'secret'],
  ['PUT', '/clients', {}, 'id'],
  ['PUT', '/clients', { id: 'x', secret: 'y', metadata: { token_endpoint_auth_method: 'magic' } }, 'metadata'],
  ['PUT', '/clients', { id: 'x', secret: 'y', grants: ['password'] }, 'grants'],
  [
    'PUT',
    '/clients',
    { id: 'x', secret: 'y', grants: ['token_exchange'], tokenExchange: { to: ['https://none.example.com'] } },
    'tokenExchange.to[0]',
  ],
  [
    'PUT',
    '/clients',
    { id: 'x', secret: 'y', introspects: [resourceOf('split'), 'https://none.example.com'] },
    'introspects[1]',
  ],
  ['PUT', '/clients', { id: 'x', secret: 'y', introspects: [] }, 'introspects'],
  ['PUT', '/clients', { id: 'gateway', secret: 'gateway-secret', introspects: [resourceOf('split')] }, 'introspects'],
  [
    'PUT',
    '/clients',
    { id: 'orders-api', secret: 'orders-api-secret', introspects: [resourceOf('split')] },
    'introspects',
  ],
  ['PUT', '/users', { id: 'demo-web' }, 'id'],
  [
    'PUT',
    '/apis',
    { resource: 'https://x.example.com', scopes: [], encryption: { alg: 'ECDH-ES', jwk: {} } },
    'encryption',
  ],
  ['PUT', '/users', { id: 'x', claim: {} }, 'claim'],
  ['PUT', '/apis', { resource: 'no URI', scopes: [] }, 'resource'],
  ['POST', '/keys/rotation', { announceFor: -1 }, 'announceFor'],
  ['POST', '/keys/rotation', { key: 'nonsense' }, 'key'],
  ['POST', '/keys/rotation', { algorithm: 'HS256' }, 'algorithm'],
  ['PUT', '/apis', { ...API, signingAlgorithm: 'none' }, 'signingAlgorithm'],
  ['PUT', '/apis', { ...API, audience: [] }, 'audience'],
  [
    'PUT',
    '/clients',
    { id: 'x', secret: 'y', metadata: { id_token_signed_response_alg: 'RS256', subject_type: 'magic' } },
    'metadata',
  ],
  ['POST', '/tenants', { id: 'token', apis: [], clients: [] }, 'id'],
  ['POST', '/tenants', { id: 'x', apis: [API, API], clients: [] }, 'apis[1].resource'],
  [
    'POST',
    '/tenants',
    { id: 'x', apis: [API], clients: [{ id: 'c', secret: 's', metadata: { token_endpoint_auth_method: 'magic' } }] },
    'clients[0].metadata',
  ],
])(requirement('control-api-explains', 'changes at run time: %s %s %j'), async (method, path, body, offending) => {
  const state = async () =>
    Promise.all(['/clients', '/users', '/apis', '/keys', '/tenants'].map((each) => world.control('GET', each)));
  const before = await state();
  const answer = await world.control(method, path, body);
  expect([answer.status, answer.body]).toEqual([
    400,
    { error: 'invalid_request', error_description: expect.any(String), path: offending },
  ]);
  expect(await state()).toEqual(before);
});

test(requirement('changes-at-run-time', 'keys'), async () => {
  const before = (await world.control('GET', '/keys')).body.keys;
  expect(before).toMatchObject([{ status: 'signing' }, { algorithm: 'RS256', status: 'signing' }]);
  const rotated = await world.control('POST', '/keys/rotation', { announceFor: 0 });
  expect(rotated.status).toBe(201);
  expect(rotated.body.keys.map(({ status }: { status: string }) => status)).toEqual(['signing', 'retired', 'signing']);
  expect(JSON.stringify(rotated.body)).not.toContain('"d"');
  const published = await (await fetch(`${world.issuer}/jwks`)).json();
  expect((published as { keys: { kid: string }[] }).keys[0]?.kid).toBe(rotated.body.keys[0].kid);
});
