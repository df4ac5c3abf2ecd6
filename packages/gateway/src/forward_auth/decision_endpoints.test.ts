import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { api, buildHouse, type House } from '../testing/house.ts';

const cookie = '__Host-app';
let house: House;
beforeEach(async () => {
  house = await buildHouse(({ routes: [jwt, opaque, phantom, split] }) => ({
    trustedProxies: ['127.0.0.0/8', '::1'],
    decisionEndpoints: [
      { path: '/nginx', for: 'nginx' },
      { path: '/envoy', for: 'envoy' },
    ],
    routes: [
      ...[jwt, opaque, phantom, split].filter((route) => route !== undefined),
      { prefix: '/open', upstream: 'http://localhost:1', public: true },
      { prefix: '/phantom', host: 'open.example.com', upstream: 'http://localhost:1', public: true },
      {
        ...{ prefix: '/browser', upstream: 'http://localhost:1', resource: api('browser'), style: 'phantom' },
        ...{ scopes: { '*': [] }, tokenCookie: { name: cookie, origins: [], csrfHeader: 'x-csrf' } },
      },
    ],
  }));
});
afterEach(() => house.stop());

function ask(path: string, headers: Record<string, string>) {
  const asking = { 'X-Original-Method': 'GET', 'X-Original-URI': path };
  return fetch(`${house.origin}/nginx`, { headers: { ...headers, ...asking } });
}

describe('What the asking gateway would pass on and should not', () => {
  test.each([
    ['the cookie of an access token', `a=b; ${cookie}=${'c'.repeat(43)}`],
    ['the cookie of a session', `${cookie}-session=sealed`],
  ])('%s: no decision, on whatever route', async (_, value) => {
    const token = await house.issueReference(api('phantom'));
    for (const path of ['/open/a', '/phantom/a']) {
      const answer = await ask(path, { Authorization: `Bearer ${token}`, Cookie: value });
      expect([answer.status, answer.headers.get('authorization')]).toEqual([501, null]);
    }
  });

  test('other cookies are passed on', async () => {
    const token = await house.issueReference(api('phantom'));
    const answer = await ask('/phantom/a', { Authorization: `Bearer ${token}`, Cookie: `my${cookie}=1; a=${cookie}` });
    expect(answer.status).toBe(200);
  });

  test.each(['X-Debug', 'Proxy-Authorization', 'Cookie'])('the token once more, in %s', async (name) => {
    const token = await house.issueReference(api('phantom'));
    const answer = await ask('/phantom/a', { Authorization: `Bearer ${token}`, [name]: `a=${token}` });
    expect([answer.status, answer.headers.get('authorization')]).toEqual([400, null]);
  });
});

test.each([
  ['X-HTTP-Method-Override', 'DELETE'],
  ['X_HTTP_Method_Override', 'DELETE'],
  ['X-HTTP-Method', 'DELETE'],
  ['X-Method-Override', 'DELETE'],
  ['X-Rewrite-URL', '/admin'],
])('A second opinion on what is asked for would be served, and was not decided about: %s', async (name, value) => {
  const token = await house.issueReference(api('phantom'));
  const answer = await ask('/phantom/a', { Authorization: `Bearer ${token}`, [name]: value });
  expect([answer.status, answer.headers.get('authorization')]).toEqual([400, null]);
});

test('so is X-Original-URL, which only an NGINX says itself', async () => {
  const token = await house.issueReference(api('phantom'));
  const headers = { Authorization: `Bearer ${token}`, 'X-Original-URL': '/admin' };
  expect((await fetch(`${house.origin}/envoy/phantom/a`, { headers })).status).toBe(400);
  expect((await ask('/phantom/a', headers)).status).toBe(200);
});

test('Envoy passes X-Forwarded-Host of a client on, and routes by Host: so does the decision', async () => {
  const answer = await fetch(`${house.origin}/envoy/phantom/a`, {
    headers: { 'X-Forwarded-Host': 'open.example.com' },
  });
  expect(answer.status).toBe(401);
});
