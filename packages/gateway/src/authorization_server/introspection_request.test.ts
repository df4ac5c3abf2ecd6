import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { api, type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';

let fixture: GatewayFixture;
beforeEach(async () => {
  fixture = await startGatewayFixture();
});
afterEach(() => fixture.stop());

const jwtHeaders = { 'Content-Type': 'application/jwt', 'Cache-Control': 'max-age=60' };

/** Gives the first introspection a special response, and all later ones the usual one. */
function firstAnswer(answer: (response: ServerResponse) => unknown): void {
  fixture.authorizationServer.onIntrospection = (response, token) => {
    if (fixture.authorizationServer.introspections.length === 1) answer(response);
    else response.writeHead(200, jwtHeaders).end(fixture.authorizationServer.active.get(token));
  };
}

const introspections = () => fixture.authorizationServer.introspections.length;
const callOnce = async () => fixture.call('/phantom', await fixture.issueReference(api('phantom')));

describe('An introspection is retried once', () => {
  test.each<[string, (response: ServerResponse) => unknown]>([
    ['the connection was reset before the response', (response) => response.socket?.resetAndDestroy()],
    ['the connection was closed before the response', (response) => response.destroy()],
    ['a proxy in front of it answered 502', (response) => response.writeHead(502).end()],
    ['a proxy in front of it answered 504', (response) => response.writeHead(504).end()],
  ])('when %s', async (_, answer) => {
    firstAnswer(answer);
    expect((await callOnce()).status).toBe(200);
    expect(introspections()).toBe(2);
  });

  test('with a new assertion', async () => {
    const { generateKeyPairSync } = await import('node:crypto');
    const { privateKey } = generateKeyPairSync('ed25519');
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    await fixture.stop();
    fixture = await startGatewayFixture(() => ({ client: { id: 'gateway', privateKey: pem } }));
    firstAnswer((response) => response.destroy());
    expect((await callOnce()).status).toBe(200);
    const assertions = fixture.authorizationServer.introspections.map(({ body }) =>
      new URLSearchParams(body).get('client_assertion'),
    );
    expect(new Set(assertions).size).toBe(2);
  });

  test('and not twice', async () => {
    fixture.authorizationServer.onIntrospection = (response) => response.destroy();
    expect((await callOnce()).status).toBe(503);
    expect(introspections()).toBe(2);
  });
});

describe('An introspection is not retried', () => {
  test.each<[string, number, (response: ServerResponse) => unknown]>([
    ['the answer is 503', 503, (response) => response.writeHead(503).end()],
    ['the answer is 500', 503, (response) => response.writeHead(500).end()],
    ['the answer is 400', 502, (response) => response.writeHead(400).end()],
    ['the answer is 401', 502, (response) => response.writeHead(401).end()],
    ['the answer is 403', 502, (response) => response.writeHead(403).end()],
    ['the answer is 429', 503, (response) => response.writeHead(429).end()],
    ['the answer is malformed', 502, (response) => response.writeHead(200).end('<p>')],
    [
      'the answer broke off',
      503,
      (response) =>
        response.writeHead(200, { ...jwtHeaders, 'Content-Length': 9 }).write('a.b', () => response.destroy()),
    ],
  ])('when %s', async (_, status, answer) => {
    firstAnswer(answer);
    expect((await callOnce()).status).toBe(status);
    expect(introspections()).toBe(1);
  });

  test('when its time is up', async () => {
    await fixture.stop();
    fixture = await startGatewayFixture(({ timeouts }) => ({ timeouts: { ...timeouts, authorizationServer: 500 } }));
    fixture.authorizationServer.onIntrospection = () => {};
    expect((await callOnce()).status).toBe(503);
    expect(introspections()).toBe(1);
  });
});

describe('The Retry-After of the authorization server is passed on', () => {
  test.each([
    [429, '7', '7'],
    [503, '7', '7'],
    [503, '100000', '300'],
    [503, '0', '1'],
    [503, 'soon', '1'],
    [503, undefined, '1'],
  ])('with %d and Retry-After: %s', async (status, given, expected) => {
    fixture.authorizationServer.onIntrospection = (response) =>
      response.writeHead(status, given === undefined ? {} : { 'Retry-After': given }).end();
    const response = await callOnce();
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, expected]);
  });

  test('when it is a date', async () => {
    fixture.authorizationServer.onIntrospection = (response) =>
      response.writeHead(503, { 'Retry-After': new Date(fixture.clock.time + 20_000).toUTCString() }).end();
    expect(Number((await callOnce()).headers.get('retry-after'))).toBeGreaterThan(10);
  });
});

test('connections to the authorization server are kept alive', async () => {
  // The keys come from the same server. Once they are fetched, one connection is enough.
  expect((await fetch(`${fixture.origin}/readyz`)).status).toBe(200);
  const sockets = new Set<unknown>();
  fixture.authorizationServer.onIntrospection = (response) => {
    sockets.add(response.socket);
    response.writeHead(204).end();
  };
  for (let round = 0; round < 10; round += 1) await callOnce();
  expect(sockets.size).toBe(1);
});

describe('The circuit breaker', () => {
  const pause = 300;
  const load = () => [...fixture.gateway.introspectionLoads().values()][0];

  beforeEach(async () => {
    await fixture.stop();
    fixture = await startGatewayFixture(() => ({ introspection: { circuitBreaker: { failures: 3, pause } } }));
  });

  test('opens when the authorization server is down, lets cached tokens through, and closes when the server is back', async () => {
    const cached = await fixture.issueReference(api('phantom'));
    expect((await fixture.call('/phantom', cached)).status).toBe(200);
    fixture.authorizationServer.onIntrospection = (response) => response.writeHead(503).end();
    for (let round = 0; round < 3; round += 1) expect((await callOnce()).status).toBe(503);
    expect(load()?.circuit).toBe('open');

    const before = introspections();
    const refused = await callOnce();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    expect((await fixture.call('/phantom', cached)).status).toBe(200);
    expect(introspections()).toBe(before);

    fixture.authorizationServer.onIntrospection = undefined;
    let status = 503;
    while (status === 503) ({ status } = await callOnce());
    expect(status).toBe(200);
    expect(load()).toEqual({ circuit: 'closed', running: 0, waiting: 0 });
    const messages = fixture.log
      .map(({ message }) => message)
      .filter((message) => message.startsWith('authorization server'));
    expect(messages.at(0)).toBe('authorization server is down, circuit breaker opened');
    expect(messages.at(-1)).toBe('authorization server is back, circuit breaker closed');
  });

  test('tries one introspection, and stays open if it fails', async () => {
    fixture.authorizationServer.onIntrospection = (response) => response.writeHead(503).end();
    for (let round = 0; round < 3; round += 1) await callOnce();
    while (introspections() === 3) await callOnce();
    expect(introspections()).toBe(4);
    expect(load()?.circuit).toBe('open');
  });

  test.each<[string, number, (response: ServerResponse) => unknown]>([
    ['inactive tokens', 401, (response) => response.writeHead(204).end()],
    ['malformed answers, which one token may provoke', 502, (response) => response.writeHead(200).end('<p>')],
    ['server errors, which one token may provoke', 503, (response) => response.writeHead(500).end()],
    ['refused credentials', 502, (response) => response.writeHead(401).end()],
  ])('does not count %s', async (_, status, answer) => {
    fixture.authorizationServer.onIntrospection = answer;
    for (let round = 0; round < 5; round += 1) expect((await callOnce()).status).toBe(status);
    expect(introspections()).toBe(5);
    expect(load()?.circuit).toBe('closed');
  });

  test('can be switched off', async () => {
    await fixture.stop();
    fixture = await startGatewayFixture(() => ({ introspection: { circuitBreaker: { failures: 0, pause } } }));
    fixture.authorizationServer.onIntrospection = (response) => response.writeHead(503).end();
    for (let round = 0; round < 12; round += 1) await callOnce();
    expect(introspections()).toBe(12);
  });
});
