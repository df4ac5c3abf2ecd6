import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { AccessTokenError, ValidationUnavailableError } from '@tallystick/resource-server';
import { until } from '@tallystick/testing/until';
import { openTokenStore, type SharedValues, StoreUnavailableError, type TokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import * as oidc from 'openid-client';
import { withStoreFailures } from './ended_sessions.ts';
import { createRefresh, type Refresh } from './refresh.ts';

const SECRET = 'the secret of these gateways';
const TIMEOUT = 1_000;
/** Seconds of the lease that follows from the timeout. */
const LEASE = 4;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

let store: TokenStore;
/** Refresh tokens in the requests to the authorization server. */
let received: string[];
/** Responses to its next requests. After them it rotates refresh tokens. */
let answers: (() => Response | Promise<Response>)[];
/** Milliseconds by which the clock of the store is ahead. */
let passed: number;
beforeEach(async () => {
  [received, answers, passed] = [[], [], 0];
  store = await openTokenStore(storeConfig(), { now: () => Date.now() + passed });
});
afterEach(() => store.close());

/** One of several gateways on the store. */
function gateway(shared: SharedValues = store.sharedValues(SECRET)): Refresh {
  const server = { issuer: 'https://as.example.com', token_endpoint: 'https://as.example.com/token' };
  const client = new oidc.Configuration(server, 'app', undefined, oidc.None());
  client[oidc.customFetch] = async (_url, { body }) => {
    const refreshToken = String(new URLSearchParams(String(body)).get('refresh_token'));
    received.push(refreshToken);
    return (
      answers.shift()?.() ??
      Response.json({
        access_token: `access-${received.length}`,
        refresh_token: `${refreshToken}-${received.length}`,
        token_type: 'bearer',
        expires_in: 60,
      })
    );
  };
  return createRefresh(TIMEOUT, {
    findClient: async () => client,
    shared: withStoreFailures(shared),
    log: silent,
  });
}

const refused = () => Response.json({ error: 'invalid_grant' }, { status: 400 });
const broken = () => Response.json({}, { status: 500 });

test('concurrent requests at several gateways cause one refresh, and get the same tokens', async () => {
  const outcomes = await Promise.all([0, 1, 2, 3].map(() => gateway()({ refreshToken: 'one' })));
  expect(received).toEqual(['one']);
  expect(outcomes).toEqual(Array(4).fill({ access_token: 'access-1', refresh_token: 'one-1', expires_in: 60 }));
});

test('a request with the old cookies gets the same tokens for a moment, and later a new outcome', async () => {
  await gateway()({ refreshToken: 'one' });
  passed += 9_000;
  expect(await gateway()({ refreshToken: 'one' })).toMatchObject({ refresh_token: 'one-1' });
  expect(received).toEqual(['one']);
  passed += 2_000;
  answers = [refused];
  await expect(gateway()({ refreshToken: 'one' })).rejects.toThrow(AccessTokenError);
  expect(received).toEqual(['one', 'one']);
});

test('a refusal is shared too, because a second request would look like theft', async () => {
  answers = [refused];
  const outcomes = await Promise.allSettled([0, 1, 2].map(() => gateway()({ refreshToken: 'one' })));
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'invalid_token' } });
  }
  await expect(gateway()({ refreshToken: 'one' })).rejects.toThrow(AccessTokenError);
  expect(received).toEqual(['one']);
});

test('after a failure of the authorization server, a waiting request and later ones try again', async () => {
  answers = [broken];
  const outcomes = await Promise.allSettled([0, 1].map(() => gateway()({ refreshToken: 'one' })));
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  answers = [broken];
  await expect(gateway()({ refreshToken: 'two' })).rejects.toThrow(ValidationUnavailableError);
  expect(await gateway()({ refreshToken: 'two' })).toMatchObject({ access_token: 'access-4' });
  expect(received).toEqual(['one', 'one', 'two', 'two']);
});

test('if a gateway dies during its refresh, a waiting request refreshes when the lease has expired', async () => {
  let die = () => {};
  const dead = new Promise<Response>((_, reject) => {
    die = () => reject(new Error('the test is over'));
  });
  answers = [() => dead];
  const lost = gateway()({ refreshToken: 'one' });
  const waiting = gateway()({ refreshToken: 'one' });
  await until(() => received.length > 0);
  passed += LEASE * 1000;
  expect(await waiting).toMatchObject({ access_token: 'access-2' });
  expect(received).toEqual(['one', 'one']);
  die();
  await expect(lost).rejects.toThrow(ValidationUnavailableError);
});

test('without the store no request is sent to the authorization server', async () => {
  const down = () => Promise.reject(new StoreUnavailableError('down'));
  const refresh = gateway({ find: down, put: down, putIfAbsent: down, remove: down });
  await expect(refresh({ refreshToken: 'one' })).rejects.toThrow(ValidationUnavailableError);
  expect(received).toEqual([]);
});

test('the browser gets its tokens even if the store fails after the authorization server has answered', async () => {
  const shared = { ...store.sharedValues(SECRET), put: () => Promise.reject(new StoreUnavailableError('down')) };
  expect(await gateway(shared)({ refreshToken: 'one' })).toMatchObject({ access_token: 'access-1' });
});

test('a session without a refresh token cannot be continued', async () => {
  await expect(gateway()({})).rejects.toThrow(AccessTokenError);
});
