import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cookiesSetBy } from '@tallystick/testing/cookie_jar';
import { requirement } from '../requirements/index.ts';
import { type Controlled, startControlled } from '../support/worlds/controlled.ts';

let world: Controlled;
beforeAll(async () => {
  world = await startControlled();
});
afterAll(() => world.stop());

const API = 'https://api.example.com/jwt';
const encoded = encodeURIComponent;
const AUTHORIZATION = `client_id=demo-web&response_type=code&redirect_uri=${encoded('http://127.0.0.1:53682/callback')}&resource=${API}&code_challenge=${'x'.repeat(43)}&code_challenge_method=S256&scope=openid`;

/** Property names that every JavaScript object inherits. */
const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'then', 'toJSON'];

const asService = { Authorization: `Basic ${btoa('demo-service:demo-service-secret')}` };
const token = (form: string) => () => post('/token', `grant_type=client_credentials&${form}`, asService);
const registered = (json: string) => () => post('/reg', json, { 'Content-Type': 'application/json' });
const authorization = (query: string) => () =>
  fetch(`${world.issuer}/auth?${AUTHORIZATION}&${query}`, { redirect: 'manual' });
const controlled = (method: string, path: string, body: string) => () =>
  fetch(world.controlUrl + path, { method, body, headers: { 'Content-Type': 'application/json' } });

function post(path: string, body: string, headers: Record<string, string> = {}) {
  const type = 'application/x-www-form-urlencoded';
  return fetch(world.issuer + path, { method: 'POST', body, headers: { 'Content-Type': type, ...headers } });
}

/** Places where a client names something, with the allowed outcomes. */
const PLACES: readonly [string, (name: string) => () => Promise<Response>, readonly number[]][] = [
  [
    'a client',
    (name) => () => post('/token', `grant_type=client_credentials&client_id=${name}&client_secret=x`),
    [401],
  ],
  ['a grant', (name) => () => post('/token', `grant_type=${name}`, asService), [400]],
  ['a parameter', (name) => token(`${name}=x&resource=${API}`), [200]],
  ['a resource', (name) => token(`resource=${name}`), [400]],
  ['a URN', (name) => token(`resource=urn:${name}`), [400]],
  ['a scope', (name) => token(`resource=${API}&scope=${name}`), [200]],
  [
    'a type of details',
    (name) => token(`resource=${API}&authorization_details=${encoded(`[{"type":"${name}"}]`)}`),
    [400],
  ],
  ['a response mode', (name) => authorization(`response_mode=${name}`), [303, 400]],
  ['a prompt', (name) => authorization(`prompt=${name}`), [303]],
  ['a class', (name) => authorization(`acr_values=${name}`), [303]],
  ['a requested claim', (name) => authorization(`claims=${encoded(`{"userinfo":{"${name}":null}}`)}`), [303]],
  ['a hint', (name) => authorization(`login_hint=${name}&ui_locales=${name}&display=${name}`), [303]],
  ['metadata', (name) => registered(`{"redirect_uris":["https://a.example"],"${name}":{}}`), [201]],
  [
    'a member of a key',
    (name) => registered(`{"redirect_uris":["https://a.example"],"jwks":{"keys":[{"${name}":1}]}}`),
    [400],
  ],
  ['a tenant', (name) => () => fetch(`${world.issuer}/${name}/token`), [404]],
  ['a query at the control API', (name) => () => fetch(`${world.controlUrl}/faults?${name}=1`), [400]],
  [
    'a field at the control API',
    (name) => controlled('POST', '/faults', `{"faults":[{"endpoint":"token","status":503,"${name}":1}]}`),
    [400],
  ],
  [
    'a header of a scripted answer',
    (name) => controlled('POST', '/scripted-answers', `{"answers":[{"endpoint":"reset","headers":{"${name}":""}}]}`),
    [400],
  ],
  [
    'metadata of a configured client',
    (name) => controlled('PUT', '/clients', `{"id":"x","secret":"x","metadata":{"${name}":{}}}`),
    [200, 201, 400],
  ],
  ['the id of a user', (name) => controlled('PUT', '/users', `{"id":"${name}"}`), [200, 201]],
];

test.each(PLACES.flatMap(([what, ask, statuses]) => NAMES.map((name) => [what, name, ask, statuses] as const)))(
  requirement('malformed-input', '%s called %s'),
  async (_what, name, ask, statuses) => {
    const answer = await ask(name)();
    expect(statuses).toContain(answer.status);
  },
);

test.each(['__proto__', 'constructor', 'prototype'])(
  requirement('malformed-input', 'details with %s'),
  async (name) => {
    for (const detail of [`{"type":"payment","${name}":{}}`, `{"type":"payment","to":[{"${name}":1}]}`]) {
      const answer = await token(`resource=${API}&authorization_details=${encoded(`[${detail}]`)}`)();
      expect([answer.status, await answer.json()]).toMatchObject([400, { error: 'invalid_authorization_details' }]);
    }
  },
);

test.each(['5', '{}', '"a"', '[{}]', '[null]', 'null', 'true'])(
  requirement('malformed-input', 'requested authentication contexts of %s'),
  async (values) => {
    for (const acr of [`{"values":${values}}`, `{"value":${values}}`]) {
      const asked = `claims=${encoded(`{"id_token":{"acr":${acr}}}`)}`;
      const begun = await authorization(asked)();
      const location = begun.headers.get('location') ?? '';
      expect(begun.status).toBe(303);
      if (!location.startsWith('/interaction/')) continue; // Refused.
      const body = new URLSearchParams({ user: 'alice' });
      const login = await fetch(`${world.issuer}${location}/login`, {
        method: 'POST',
        body,
        headers: { Cookie: cookiesSetBy(begun) },
        redirect: 'manual',
      });
      expect(login.status).toBe(303);
    }
  },
);
