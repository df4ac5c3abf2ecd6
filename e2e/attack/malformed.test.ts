import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rawRequest } from '@tallystick/testing/raw_client';
import { requirement } from '../requirements/index.ts';
import { call, serviceToken } from '../support/clients/clients.ts';
import { startOneProcess } from '../support/worlds/one_process.ts';
import { resourceOf, type World } from '../support/worlds/world.ts';

let world: World;
let token: string;
beforeAll(async () => {
  world = await startOneProcess();
  token = await serviceToken(world, 'phantom');
});
afterAll(() => world.stop());

const BASIC = `Basic ${btoa('demo-service:demo-service-secret')}`;
const GATEWAY_BASIC = `Basic ${btoa('gateway:gateway-secret')}`;
const FORM = 'application/x-www-form-urlencoded';
const GOOD_FORM = `grant_type=client_credentials&scope=read&resource=${encodeURIComponent(resourceOf('split'))}`;

/** @param headers to add to the default ones; an empty value removes a header */
const post = (path: string, body: string, headers: Record<string, string> = {}) => {
  const all = { 'Content-Type': FORM, Authorization: BASIC, ...headers };
  return fetch(world.issuer + path, {
    method: 'POST',
    body,
    headers: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== '')),
  });
};

describe('the authorization server', () => {
  test.each([
    ['a repeated parameter', '/token', `${GOOD_FORM}&grant_type=client_credentials`, {}, 400, 'invalid_request'],
    ['a repeated scope', '/token', `${GOOD_FORM}&scope=write`, {}, 400, 'invalid_request'],
    ['several resources', '/token', `${GOOD_FORM}&resource=${resourceOf('jwt')}`, {}, 400, 'invalid_target'],
    ['an unknown resource', '/token', GOOD_FORM.replace('split', 'none'), {}, 400, 'invalid_target'],
    ['no resource', '/token', 'grant_type=client_credentials&scope=read', {}, 400, 'invalid_target'],
    ['no grant type', '/token', '', {}, 400, 'invalid_request'],
    ['a grant that the client does not have', '/token', 'grant_type=refresh_token', {}, 400, 'unauthorized_client'],
    [
      'such a grant, and a wrong secret',
      '/token',
      'grant_type=refresh_token',
      { Authorization: `Basic ${btoa('demo-service:x')}` },
      401,
      'invalid_client',
    ],
    ['an unknown grant type', '/token', 'grant_type=magic', {}, 400, 'unsupported_grant_type'],
    [
      'JSON for a form',
      '/token',
      '{"grant_type":"client_credentials"}',
      { 'Content-Type': 'application/json' },
      400,
      'invalid_request',
    ],
    ['an unknown client', '/token', GOOD_FORM, { Authorization: `Basic ${btoa('nobody:x')}` }, 401, 'invalid_client'],
    [
      'a wrong secret',
      '/token',
      GOOD_FORM,
      { Authorization: `Basic ${btoa('demo-service:x')}` },
      401,
      'invalid_client',
    ],
    ['broken credentials', '/token', GOOD_FORM, { Authorization: 'Basic %%%' }, 400, 'invalid_request'],
    ['a huge body', '/token', `${GOOD_FORM}&x=${'x'.repeat(70_000)}`, {}, 400, 'invalid_request'],
    [
      'an unknown code',
      '/token',
      'grant_type=authorization_code&code=x&redirect_uri=http://127.0.0.1/callback&client_id=demo-web',
      { Authorization: '' },
      400,
      'invalid_grant',
    ],
    [
      'an unknown refresh token',
      '/token',
      'grant_type=refresh_token&refresh_token=x&client_id=demo-web',
      { Authorization: '' },
      400,
      'invalid_grant',
    ],
    ['no token to introspect', '/token/introspection', '', { Authorization: GATEWAY_BASIC }, 400, 'invalid_request'],
    ['introspection by nobody', '/token/introspection', 'token=x', { Authorization: '' }, 400, 'invalid_request'],
    ['no token to revoke', '/token/revocation', '', {}, 400, 'invalid_request'],
    ['a JWT to revoke', '/token/revocation', 'token=eyJhbGciOiJub25lIn0.e30.', {}, 400, 'unsupported_token_type'],
    ['a proof that is none', '/token', GOOD_FORM, { DPoP: 'x' }, 400, 'invalid_dpop_proof'],
    [
      'an assertion that is none',
      '/token',
      `${GOOD_FORM}&client_assertion=x&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer`,
      { Authorization: '' },
      400,
      'invalid_request',
    ],
    ['broken details', '/token', `${GOOD_FORM}&authorization_details=[`, {}, 400, 'invalid_authorization_details'],
    ['an empty pushed request', '/request', 'client_id=demo-web', { Authorization: '' }, 400, 'invalid_request'],
    ['a pushed request of nobody', '/request', 'client_id=nobody', { Authorization: '' }, 401, 'invalid_client'],
    ['a device that is none', '/device/auth', 'client_id=demo-web', { Authorization: '' }, 400, 'unauthorized_client'],
    [
      'no device code',
      '/token',
      'grant_type=urn:ietf:params:oauth:grant-type:device_code&client_id=demo-tv',
      { Authorization: '' },
      400,
      'invalid_request',
    ],
    ['a backchannel request of a stranger', '/backchannel', 'login_hint=alice', {}, 400, 'unauthorized_client'],
    [
      'a registration that is no JSON',
      '/reg',
      '{',
      { Authorization: '', 'Content-Type': 'application/json' },
      400,
      'invalid_request',
    ],
    ['a path that is none', '/tokens', '', {}, 404, 'invalid_request'],
    ['broken percent-encoding', '/token%', GOOD_FORM, {}, 400, 'invalid_request'],
  ])(requirement('malformed-input', 'authorization server, %s'), async (_what, path, body, headers, status, error) => {
    const answer = await post(path, body, headers as Record<string, string>);
    expect([answer.status, await answer.json()]).toEqual([status, { error, error_description: expect.any(String) }]);
  });

  test(requirement('malformed-input', 'authorization server, token in the query at userinfo'), async () => {
    const answer = await fetch(`${world.issuer}/me?access_token=${token}`);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: 'invalid_request' });
  });

  test.each([
    [
      'an unknown client',
      'client_id=nobody&response_type=code&redirect_uri=http://127.0.0.1/callback',
      'invalid_client',
    ],
    [
      'a foreign redirect URI',
      'client_id=demo-web&response_type=code&redirect_uri=https://evil.example/callback',
      'invalid_redirect_uri',
    ],
    ['a repeated client', 'client_id=demo-web&client_id=demo-web&response_type=code', 'invalid_request'],
  ])(requirement('malformed-input', 'authorization endpoint, %s'), async (_what, query, error) => {
    const answer = await fetch(`${world.issuer}/auth?${query}`, {
      redirect: 'manual',
      headers: { Accept: 'text/html' },
    });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toContain('text/html');
    const page = await answer.text();
    expect(page).toContain(error);
    // The page names what was sent as text only: it is no link, and not in an attribute.
    expect(page.replace(/<code>[^<]*<\/code>/g, '')).not.toContain('evil.example');
  });

  test(requirement('malformed-input', 'authorization server, a login page without a sign-in'), async () => {
    for (const path of ['/interaction/unknown', '/interaction/unknown/login']) {
      const answer = await fetch(world.issuer + path, { method: path.endsWith('login') ? 'POST' : 'GET' });
      expect([answer.status, await answer.json()]).toEqual([
        400,
        { error: 'invalid_request', error_description: expect.any(String) },
      ]);
    }
  });

  test.each([
    ['what is no HTTP', 'NONSENSE', 400],
    ['a huge header', `GET /me HTTP/1.1\r\nHost: localhost\r\nX-Huge: ${'x'.repeat(70_000)}`, 431],
    [
      'a repeated Authorization',
      `POST /token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: ${FORM}\r\nContent-Length: ${GOOD_FORM.length}\r\nAuthorization: ${BASIC}\r\nAuthorization: ${BASIC}\r\n\r\n${GOOD_FORM}`,
      400,
    ],
  ])(requirement('malformed-input', 'authorization server, %s'), async (_what, bytes, status) => {
    const answer = await rawRequest(world.issuer, `${bytes}\r\n\r\n`);
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      status,
      { error: 'invalid_request', error_description: expect.any(String) },
    ]);
  });
});

describe('the gateway', () => {
  const request = (target: string, ...headers: string[]) =>
    rawRequest(
      world.gateways[0],
      [`GET ${target} HTTP/1.1`, 'Host: gateway.localhost', 'Connection: close', ...headers, '', ''].join('\r\n'),
    );

  test.each([
    [
      'a repeated Authorization',
      '/phantom/x',
      ['Authorization: Bearer TOKEN', 'Authorization: Bearer TOKEN'],
      400,
      'invalid_request',
    ],
    ['a token in the query', '/phantom/x?access_token=TOKEN', [], 400, 'invalid_request'],
    [
      'a token in the query, encoded',
      '/phantom/x?access%5ftoken=TOKEN',
      ['Authorization: Bearer TOKEN'],
      400,
      'invalid_request',
    ],
    ['trailing junk', '/phantom/x', ['Authorization: Bearer TOKEN junk'], 401, 'invalid_token'],
    ['a token of impossible shape', '/phantom/x', ['Authorization: Bearer a.b.c'], 401, 'invalid_token'],
    ['broken percent-encoding', '/phantom/%E0%A4%A', ['Authorization: Bearer TOKEN'], 400, 'invalid_request'],
    ['a dot segment', '/jwt/../phantom/x', ['Authorization: Bearer TOKEN'], 400, 'invalid_request'],
    ['a double slash', '//phantom/x', ['Authorization: Bearer TOKEN'], 400, 'invalid_request'],
    ['an absolute target', 'http://elsewhere/phantom/x', ['Authorization: Bearer TOKEN'], 400, 'invalid_request'],
    ['a huge header', '/phantom/x', [`X-Huge: ${'x'.repeat(70_000)}`], 431, 'request_header_fields_too_large'],
    ['an unknown path', '/nothing', ['Authorization: Bearer TOKEN'], 404, 'not_found'],
  ])(requirement('malformed-input', 'gateway, %s'), async (_what, target, headers, status, error) => {
    const insert = (text: string) => text.replace('TOKEN', token);
    const answer = await request(insert(target), ...headers.map(insert));
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      status,
      { error, error_description: expect.any(String) },
    ]);
    expect(answer.head + answer.body).not.toContain(token);
  });
});

describe('the sample API', () => {
  test.each([
    [
      'a repeated Authorization',
      '/jwt/x',
      ['Authorization: Bearer a.b.c', 'Authorization: Bearer a.b.c'],
      400,
      'invalid_request',
    ],
    ['a token in the query', '/jwt/x?access_token=a.b.c', [], 400, 'invalid_request'],
    ['trailing junk', '/jwt/x', ['Authorization: Bearer a.b.c d'], 401, 'invalid_token'],
    ['a JWT that is none', '/jwt/x', ['Authorization: Bearer a.b.c'], 401, 'invalid_token'],
    ['a huge header', '/jwt/x', [`X-Huge: ${'x'.repeat(70_000)}`], 431, 'invalid_request'],
  ])(requirement('malformed-input', 'sample API, %s'), async (_what, target, headers, status, error) => {
    const head = [`GET ${target} HTTP/1.1`, 'Host: api.localhost', 'Connection: close', ...headers, '', ''].join(
      '\r\n',
    );
    const answer = await rawRequest(world.sampleApi, head);
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      status,
      { error, error_description: expect.any(String) },
    ]);
  });

  test(requirement('malformed-input', 'sample API, a path below no API'), async () => {
    expect((await fetch(`${world.sampleApi}/nothing`)).status).toBe(404);
  });
});

test(requirement('malformed-input', 'the valid token still works'), async () => {
  expect((await call(world.gateways[0], 'phantom', token)).status).toBe(200);
});

/** Secrets that a client sends in the wrong place. */
const MISPLACED = 'AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdEfGhIjKl';

test(requirement('no-token-in-a-log', 'refused requests'), async () => {
  world.log.secret(MISPLACED, 'demo-service-secret', 'a-wrong-secret', token);
  for (const parameter of ['client_id', 'scope', 'resource', 'grant_type', 'code', 'refresh_token', 'redirect_uri'])
    await post('/token', new URLSearchParams({ grant_type: 'refresh_token', [parameter]: MISPLACED }).toString());
  for (const authorization of [
    `Bearer ${token}`,
    `Basic ${btoa('demo-service:a-wrong-secret')}`,
    `Basic ${btoa(`${MISPLACED}:x`)}`,
  ])
    await post('/token', GOOD_FORM, { Authorization: authorization });
  await post(`/${MISPLACED}`, '');
  await fetch(`${world.issuer}/auth?${new URLSearchParams({ client_id: MISPLACED, id_token_hint: MISPLACED })}`);
  await fetch(`${world.sampleApi}/split/${token}`, { headers: { Authorization: `Bearer ${token}` } });
  await fetch(`${world.sampleApi}/phantom/hello`, { headers: { Authorization: `Bearer ${MISPLACED}` } });
  await call(world.gateways[0], 'phantom', MISPLACED);
  await rawRequest(world.sampleApi, 'GET / HTTP/1.1\r\nHost: attacker.example\r\n\r\n');
  const lines = world.log
    .text()
    .split('\n')
    .filter((line) => line.includes('"msg":"request refused"'));
  expect(lines.length).toBeGreaterThan(10);
  const refused = lines.map((line) => JSON.parse(line));
  const expected = {
    method: 'GET',
    route: '/phantom',
    status: 401,
    error: 'invalid_token',
    reason: expect.any(String),
  };
  const sameFields = refused.filter(({ route, status }) => route === '/phantom' && status === 401);
  expect(sameFields.slice(-2)).toMatchObject([expected, expected]);
  expect(refused.filter(({ error }) => error === 'misdirected_request')).not.toEqual([]);
  world.log.expectNoSecret();
});

test(requirement('no-token-in-a-log'), () => {
  expect(world.log.text()).toContain('"level":20');
  expect(world.log.text().split('\n').length).toBeGreaterThan(40);
  world.log.expectNoSecret();
});
