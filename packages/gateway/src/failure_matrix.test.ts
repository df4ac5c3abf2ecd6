import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createSigningKey } from '@tallystick/testing/signing_key';
import { api, type GatewayFixture, route, startGatewayFixture } from './testing/gateway_fixture.ts';

/** Milliseconds: longer than a responding authorization server takes, even on a busy machine. */
const LONG_TIMEOUT = 120_000;
/** Milliseconds, for one that does not respond. */
const SHORT_TIMEOUT = 500;

let fixture: GatewayFixture;
async function start(authorizationServerTimeout: number): Promise<void> {
  fixture = await startGatewayFixture(({ timeouts, routes }) => ({
    timeouts: { ...timeouts, authorizationServer: authorizationServerTimeout },
    apis: [{ resource: api('either'), accessTokens: 'split' }],
    routes: [
      ...routes,
      {
        ...route('split', routes[0]?.upstream ?? ''),
        prefix: '/either',
        api: api('either'),
        onMiss: 'introspect',
      },
    ],
  }));
}
beforeEach(async () => {
  await start(LONG_TIMEOUT);
  // The gateway fetches the keys before the failure begins.
  expect((await fetch(`${fixture.origin}/readyz`)).status).toBe(200);
});
afterEach(() => fixture.stop());

async function expectUnavailable(response: Response) {
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  expect(response.headers.get('www-authenticate')).toBeNull();
  expect(await response.json()).toMatchObject({ error: 'temporarily_unavailable' });
  expect(fixture.upstream.seen).toEqual([]);
}

/** A client that gets Retry-After would retry for ever. */
async function expectNoUse(response: Response) {
  expect(response.status).toBe(502);
  expect(response.headers.get('retry-after')).toBeNull();
  expect(response.headers.get('www-authenticate')).toBeNull();
  expect(await response.json()).toMatchObject({ error: 'invalid_validator_response' });
  expect(fixture.upstream.seen).toEqual([]);
}

const jwtAnswer = { 'Content-Type': 'application/jwt', 'Cache-Control': 'max-age=60' };

type Answers = [string, (response: ServerResponse, jwt: string) => unknown][];

describe('The authorization server does not answer, and no JWT is cached: 503 with Retry-After', () => {
  const answers: Answers = [
    ['breaks the connection off', (response) => response.destroy()],
    ['answers 429', (response) => response.writeHead(429).end()],
    ['answers 500', (response) => response.writeHead(500).end()],
    ['answers 503', (response) => response.writeHead(503).end()],
    [
      'closes the connection in the middle of the response',
      (response, jwt) => {
        response.writeHead(200, { ...jwtAnswer, 'Content-Length': jwt.length });
        response.write(jwt.slice(0, -9), () => response.destroy());
      },
    ],
  ];
  const withoutResponse: Answers = [
    ['does not respond', () => {}],
    ['stops in the middle of the response', (response, jwt) => response.writeHead(200, jwtAnswer).write(jwt)],
  ];
  async function expectNoAnswer(answer: Answers[number][1]): Promise<void> {
    const reference = await fixture.issueReference(api('phantom'));
    fixture.authorizationServer.onIntrospection = (response, token) => {
      answer(response, fixture.authorizationServer.active.get(token) ?? '');
    };
    await expectUnavailable(await fixture.call('/phantom', reference));
  }

  test.each(answers)('it %s', (_, answer) => expectNoAnswer(answer));

  test.each(withoutResponse)('it %s', async (_, answer) => {
    await fixture.stop();
    await start(SHORT_TIMEOUT);
    await expectNoAnswer(answer);
  });

  test('it is stopped', async () => {
    const reference = await fixture.issueReference(api('phantom'));
    await fixture.authorizationServer.stop();
    await expectUnavailable(await fixture.call('/phantom', reference));
  });

  test('its keys cannot be fetched', async () => {
    await fixture.stop();
    fixture = await startGatewayFixture(undefined, (server) => {
      server.onJwks = (response) => response.writeHead(500).end();
    });
    await expectUnavailable(await fixture.call('/jwt', await fixture.authorizationServer.issue({ aud: api('jwt') })));
    await expectUnavailable(await fixture.call('/split', await fixture.issueSplit(api('split'))));
    await expectUnavailable(await fixture.call('/phantom', await fixture.issueReference(api('phantom'))));

    fixture.authorizationServer.onJwks = undefined;
    fixture.clock.time += 1_000;
    expect((await fixture.call('/split', await fixture.issueSplit(api('split')))).status).toBe(200);
  });
});

describe('The authorization server gives an answer that cannot be used: 502', () => {
  const answers: Answers = [
    ['answers 400', (response) => response.writeHead(400).end('{"error":"invalid_request"}')],
    [
      'redirects to the response',
      (response, jwt) => {
        if (response.req.url === '/elsewhere') response.writeHead(200, jwtAnswer).end(jwt);
        else response.writeHead(307, { Location: '/elsewhere' }).end();
      },
    ],
    ['answers with HTML', (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>')],
    [
      'answers with JSON without a JWT',
      (response) =>
        response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"active":true,"sub":"alice"}'),
    ],
    ['answers with a JWT of another media type', (response, jwt) => response.writeHead(200).end(jwt)],
    ['answers with an empty body', (response) => response.writeHead(200, jwtAnswer).end()],
    ['answers with a malformed JWT', (response) => response.writeHead(200, jwtAnswer).end('a.b.c')],
    [
      'answers with more than 1 MiB',
      (response, jwt) => response.writeHead(200, jwtAnswer).end(jwt.padEnd(1024 * 1024 + 1)),
    ],
    ['answers with half a JWT', (response, jwt) => response.writeHead(200, jwtAnswer).end(jwt.slice(0, -9))],
    ['answers 404', (response) => response.writeHead(404).end()],
  ];
  test.each(answers)('it %s', async (_, answer) => {
    const reference = await fixture.issueReference(api('phantom'));
    fixture.authorizationServer.onIntrospection = (response, token) => {
      answer(response, fixture.authorizationServer.active.get(token) ?? '');
    };
    await expectNoUse(await fixture.call('/phantom', reference));
  });

  test.each(['iss', 'typ', 'key'])('it answers with a JWT of another %s', async (what) => {
    const claims = { aud: api('phantom'), ...(what === 'iss' && { iss: 'https://other.example.com' }) };
    const options = {
      ...(what === 'typ' && { typ: 'JWT' }),
      ...(what === 'key' && { key: await createSigningKey('key-1') }),
    };
    fixture.authorizationServer.active.set('x'.repeat(43), await fixture.authorizationServer.issue(claims, options));
    await expectNoUse(await fixture.call('/phantom', 'x'.repeat(43)));
    expect(fixture.log.find(({ level }) => level === 'warn')?.tokenKey).toHaveLength(8);
  });
});

describe('The authorization server is stopped, and', () => {
  test('jwt, split and cached phantom tokens work', async () => {
    const [reference, signature] = [
      await fixture.issueReference(api('phantom')),
      await fixture.issueSplit(api('split')),
    ];
    const jwt = await fixture.authorizationServer.issue({ aud: api('jwt') });
    await fixture.call('/phantom', reference);
    await fixture.authorizationServer.stop();
    for (const [path, token] of [
      ['/jwt', jwt],
      ['/split', signature],
      ['/phantom', reference],
    ] as const) {
      expect((await fixture.call(path, token)).status).toBe(200);
    }
  });

  test('cached phantom tokens work until they expire from the cache: 503', async () => {
    const reference = await fixture.issueReference(api('phantom'));
    expect((await fixture.call('/phantom', reference)).status).toBe(200);
    await fixture.authorizationServer.stop();
    fixture.clock.time += 60_000;
    fixture.upstream.seen.length = 0;
    await expectUnavailable(await fixture.call('/phantom', reference));
  });
});

describe("The gateway's own credentials are refused: 502", () => {
  test.each([401, 403])('with %d', async (status) => {
    const reference = await fixture.issueReference(api('phantom'));
    fixture.authorizationServer.onIntrospection = (response) => response.writeHead(status).end();
    const response = await fixture.call('/phantom', reference);
    expect(response.status).toBe(502);
    expect(response.headers.get('www-authenticate')).toBeNull();
    expect(fixture.upstream.seen).toEqual([]);
  });
});

describe('An introspected JWT that is genuine but invalid is an error of the token: 401', () => {
  test.each([
    ['for another API', { aud: api('other') }],
    ['expired', { exp: 1_000_000_000 }],
    ['not valid yet', { nbf: 9_000_000_000 }],
  ])('%s', async (_, claims) => {
    const response = await fixture.call('/phantom', await fixture.issueReference(api('phantom'), claims));
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect(fixture.log.filter(({ level }) => level === 'warn')).toEqual([]);
  });
});

describe('The store cannot be reached', () => {
  test('and no entry is cached: 503 with Retry-After', async () => {
    const signature = await fixture.issueSplit(api('split'));
    fixture.store.unavailable = true;
    await expectUnavailable(await fixture.call('/split', signature));
  });

  test('but the entry is cached: the call succeeds', async () => {
    const signature = await fixture.issueSplit(api('split'));
    await fixture.call('/split', signature);
    fixture.store.unavailable = true;
    expect((await fixture.call('/split', signature)).status).toBe(200);
  });

  test('but the route may introspect: the call succeeds', async () => {
    const signature = await fixture.issueSplit(api('either'));
    fixture.authorizationServer.active.set(signature, `${fixture.store.entries.get(signature)}.${signature}`);
    fixture.store.unavailable = true;
    expect((await fixture.call('/either', signature)).status).toBe(200);
    expect(fixture.authorizationServer.introspections).toHaveLength(1);
  });

  test('and neither can the authorization server: 503', async () => {
    const signature = await fixture.issueSplit(api('either'));
    fixture.store.unavailable = true;
    await fixture.authorizationServer.stop();
    await expectUnavailable(await fixture.call('/either', signature));
  });

  test('which does not affect jwt, opaque and phantom', async () => {
    fixture.store.unavailable = true;
    const jwt = await fixture.authorizationServer.issue({ aud: api('jwt') });
    expect((await fixture.call('/jwt', jwt)).status).toBe(200);
    expect((await fixture.call('/opaque', 'x'.repeat(43))).status).toBe(200);
    expect((await fixture.call('/phantom', await fixture.issueReference(api('phantom')))).status).toBe(200);
  });
});

describe('A split miss', () => {
  test('gets 401 without a call to the authorization server', async () => {
    expect((await fixture.call('/split', 'x'.repeat(86))).status).toBe(401);
    expect(fixture.authorizationServer.introspections).toEqual([]);
  });

  test('is introspected if the route allows it', async () => {
    const signature = await fixture.issueSplit(api('either'));
    fixture.authorizationServer.active.set(signature, `${fixture.store.entries.get(signature)}.${signature}`);
    fixture.store.entries.clear();
    expect((await fixture.call('/either', signature)).status).toBe(200);
    expect((await fixture.call('/either', 'x'.repeat(86))).status).toBe(401);
  });

  test('in a store that may drop entries is introspected, or gets 503', async () => {
    const signature = await fixture.issueSplit(api('split'));
    fixture.authorizationServer.active.set(signature, `${fixture.store.entries.get(signature)}.${signature}`);
    fixture.store.entries.clear();
    fixture.store.mayLack = true;
    expect((await fixture.call('/split', signature)).status).toBe(200);
    expect((await fixture.call('/split', 'x'.repeat(86))).status).toBe(401);
    await fixture.authorizationServer.stop();
    fixture.upstream.seen.length = 0;
    await expectUnavailable(await fixture.call('/split', 'y'.repeat(86)));
  });

  test('that is answered with the JWT of another token gets 502', async () => {
    fixture.authorizationServer.active.set(
      'x'.repeat(86),
      await fixture.authorizationServer.issue({ aud: api('either') }),
    );
    await expectNoUse(await fixture.call('/either', 'x'.repeat(86)));
  });
});

describe('The upstream', () => {
  test('is stopped: 502', async () => {
    const signature = await fixture.issueSplit(api('split'));
    await fixture.upstream.stop();
    const response = await fixture.call('/split', signature);
    expect(response.status).toBe(502);
    expect(await response.json()).toEqual({ error: 'bad_gateway', error_description: 'the API could not be reached' });
    const line = fixture.log.find(({ message }) => message === 'request failed');
    expect(line).toMatchObject({
      level: 'warn',
      status: 502,
      error: 'bad_gateway',
      cause: 'ECONNREFUSED',
      cache: 'miss',
    });
  });
});

test('an internal error of the gateway gets 500, and lets nothing through', async () => {
  const signature = await fixture.issueSplit(api('split'));
  fixture.store.splitEntries.find = async (presented) => {
    throw new Error(`a bug that quotes ${presented}`);
  };
  const response = await fixture.call('/split', signature);
  expect(response.status).toBe(500);
  expect(await response.json()).toMatchObject({ error: 'server_error' });
  expect(fixture.upstream.seen).toEqual([]);
  expect(fixture.log.some(({ level }) => level === 'error')).toBe(true);
  expect(JSON.stringify(fixture.log)).not.toContain(signature);
});
