import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { AccessTokenError, ValidationUnavailableError } from '@tallystick/resource-server';
import { until } from '@tallystick/testing/until';
import { openTokenStore, type SharedValues, StoreUnavailableError, type TokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import * as oidc from 'openid-client';
import { answeringForTheStore } from './ended_sessions.ts';
import { createRefresh, type Refresh } from './refresh.ts';

const SECRET = 'what only these gateways know';
const TIMEOUT = 1_000;
/** Seconds that a gateway may take to ask, with this timeout. */
const LEASE = 4;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

let store: TokenStore;
/** Refresh tokens that the authorization server was asked with. */
let asked: string[];
/** Answers its next requests; then it rotates. */
let answers: (() => Response | Promise<Response>)[];
/** Milliseconds that have passed for the store. */
let passed: number;
beforeEach(async () => {
  [asked, answers, passed] = [[], [], 0];
  store = await openTokenStore(storeConfig(), { now: () => Date.now() + passed });
});
afterEach(() => store.close());

/** One gateway of several on the store. */
function gateway(shared: SharedValues = store.sharedValues(SECRET)): Refresh {
  const server = { issuer: 'https://as.example.com', token_endpoint: 'https://as.example.com/token' };
  const client = new oidc.Configuration(server, 'app', undefined, oidc.None());
  client[oidc.customFetch] = async (_url, { body }) => {
    const refreshToken = String(new URLSearchParams(String(body)).get('refresh_token'));
    asked.push(refreshToken);
    return (
      answers.shift()?.() ??
      Response.json({
        access_token: `access-${asked.length}`,
        refresh_token: `${refreshToken}-${asked.length}`,
        token_type: 'bearer',
        expires_in: 60,
      })
    );
  };
  return createRefresh(TIMEOUT, {
    findClient: async () => client,
    shared: answeringForTheStore(shared),
    log: silent,
  });
}

const refused = () => Response.json({ error: 'invalid_grant' }, { status: 400 });
const broken = () => Response.json({}, { status: 500 });

test('gateways that are asked at the same time ask once, and give the same answer', async () => {
  const outcomes = await Promise.all([0, 1, 2, 3].map(() => gateway()({ refreshToken: 'one' })));
  expect(asked).toEqual(['one']);
  expect(outcomes).toEqual(Array(4).fill({ access_token: 'access-1', refresh_token: 'one-1', expires_in: 60 }));
});

test('who comes a moment later with the cookies from before gets that answer, and later what is true then', async () => {
  await gateway()({ refreshToken: 'one' });
  passed += 9_000;
  expect(await gateway()({ refreshToken: 'one' })).toMatchObject({ refresh_token: 'one-1' });
  expect(asked).toEqual(['one']);
  passed += 2_000;
  answers = [refused];
  await expect(gateway()({ refreshToken: 'one' })).rejects.toThrow(AccessTokenError);
  expect(asked).toEqual(['one', 'one']);
});

test('a refusal is shared, too: to ask again would look like theft', async () => {
  answers = [refused];
  const outcomes = await Promise.allSettled([0, 1, 2].map(() => gateway()({ refreshToken: 'one' })));
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'invalid_token' } });
  }
  await expect(gateway()({ refreshToken: 'one' })).rejects.toThrow(AccessTokenError);
  expect(asked).toEqual(['one']);
});

test('an authorization server that fails uses nothing up: who waits asks, and so does the next try', async () => {
  answers = [broken];
  const outcomes = await Promise.allSettled([0, 1].map(() => gateway()({ refreshToken: 'one' })));
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  answers = [broken];
  await expect(gateway()({ refreshToken: 'two' })).rejects.toThrow(ValidationUnavailableError);
  expect(await gateway()({ refreshToken: 'two' })).toMatchObject({ access_token: 'access-4' });
  expect(asked).toEqual(['one', 'one', 'two', 'two']);
});

test('a gateway that dies while it asks hangs nobody: another asks when its time is over', async () => {
  let die = () => {};
  const dead = new Promise<Response>((_, reject) => {
    die = () => reject(new Error('the test is over'));
  });
  answers = [() => dead];
  const lost = gateway()({ refreshToken: 'one' });
  const waiting = gateway()({ refreshToken: 'one' });
  await until(() => asked.length > 0);
  passed += LEASE * 1000;
  expect(await waiting).toMatchObject({ access_token: 'access-2' });
  expect(asked).toEqual(['one', 'one']);
  die();
  await expect(lost).rejects.toThrow(ValidationUnavailableError);
});

test('without the store nobody is asked and nothing is used up', async () => {
  const down = () => Promise.reject(new StoreUnavailableError('down'));
  const refresh = gateway({ find: down, put: down, putIfAbsent: down, remove: down });
  await expect(refresh({ refreshToken: 'one' })).rejects.toThrow(ValidationUnavailableError);
  expect(asked).toEqual([]);
});

test('a store that goes away after the authorization server answered costs this browser nothing', async () => {
  const shared = { ...store.sharedValues(SECRET), put: () => Promise.reject(new StoreUnavailableError('down')) };
  expect(await gateway(shared)({ refreshToken: 'one' })).toMatchObject({ access_token: 'access-1' });
});

test('a session without a refresh token cannot be continued', async () => {
  await expect(gateway()({})).rejects.toThrow(AccessTokenError);
});
