import { validate } from '@tallystick/common/config';
import type { z } from 'zod';
import { apiSchema, clientSchema, routeSchema, userSchema } from '../config/schema.ts';

/** An input of an operation, and the answer to it. */
export interface Example {
  readonly body?: unknown;
  /** The body of a successful answer. */
  readonly answer?: unknown;
}

const TIME = '2026-01-31T12:00:00.000Z';
const ISSUER = 'http://localhost:3000';
const ORDERS = 'https://orders.example';

const signIn = { user: 'alice', api: ORDERS, scopes: ['openid', 'read'] };
const held = { token: 'the token of the client' };
const fault = { endpoint: 'token', status: 503, calls: 2 } as const;
const faults = [{ id: '1', at: 'authorization-server', ...fault, remaining: 2 }];
const answers = [{ endpoint: 'userinfo', status: 200, headers: {}, body: { sub: 'alice' } }];
const clock = { now: TIME, ahead: 3600 };
const keys = [
  {
    kid: 'key-2026',
    algorithm: 'ES256',
    status: 'signing',
    announcedAt: 1_767_225_600_000,
    signsFrom: 1_767_225_600_000,
  },
];
const request = {
  time: TIME,
  server: 'authorization-server',
  endpoint: 'token',
  clientId: 'orders-web',
  method: 'POST',
  path: '/token',
  query: {},
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  form: { grant_type: 'authorization_code' },
  status: 200,
};
const call = {
  time: TIME,
  server: 'upstream',
  api: ORDERS,
  method: 'GET',
  path: '/orders/7',
  query: {},
  headers: {},
  status: 200,
};
const tenant = { id: 'test-7', issuer: `${ISSUER}/tenants/test-7` };
const pending = { handle: 'request-1', clientId: 'orders-web', scopes: ['openid'], bindingMessage: 'Order 7' };

/** Examples for the OpenAPI document, by operation. */
export function createExamples(): Readonly<Record<string, Example>> {
  return {
    listFaults: { answer: { faults } },
    addFaults: { body: { faults: [fault] }, answer: { faults } },
    listScriptedAnswers: { answer: { answers } },
    enqueueScriptedAnswers: {
      body: { answers: [{ endpoint: 'userinfo', body: { sub: 'alice' } }] },
      answer: { answers },
    },
    readClock: { answer: clock },
    setClock: { body: { now: TIME }, answer: clock },
    advanceClock: { body: { seconds: 3600 }, answer: clock },
    resetClock: { answer: { ...clock, ahead: 0 } },
    listRequests: { answer: { requests: [request] } },
    takeNextRequest: { body: { endpoint: 'token', timeout: 1000 }, answer: request },
    listCalls: { answer: { calls: [call] } },
    takeNextCall: { body: { api: ORDERS, timeout: 1000 }, answer: call },
    ...tokenExamples(),
    ...entryExamples('Client', clientSchema, {
      id: 'orders-web',
      grants: ['authorization_code'],
      redirectUris: ['http://localhost/callback'],
    }),
    ...entryExamples('User', userSchema, { id: 'alice', claims: { name: 'Alice Adams' } }),
    ...entryExamples('Api', apiSchema, { resource: ORDERS, accessTokens: 'split', scopes: ['read'] }),
    ...entryExamples('Route', routeSchema, { prefix: '/orders', api: ORDERS }),
    listKeys: { answer: { keys } },
    rotateKeys: { body: { announceFor: 0, algorithm: 'ES256' }, answer: { keys } },
    listTenants: { answer: { tenants: [tenant] } },
    createTenant: { body: { id: tenant.id, users: [{ id: 'alice' }] }, answer: tenant },
    listBackchannelRequests: { answer: { requests: [pending] } },
    decideBackchannelRequest: { body: { authReqId: 'the auth_req_id of the client', decision: 'approve' } },
    readIssuer: { answer: { issuer: ISSUER } },
    setIssuer: { body: { issuer: ISSUER }, answer: { issuer: ISSUER } },
    reset: { body: {}, answer: { milliseconds: 1.5 } },
    describe: { answer: { openapi: '3.1.0' } },
  };
}

function tokenExamples(): Readonly<Record<string, Example>> {
  const issued = {
    accessToken: held.token,
    jwt: 'header.claims.signature',
    tokenType: 'Bearer',
    expiresAt: 1_769_864_400,
    key: 'BASE64URL(SHA-256(access token))',
  };
  const idToken = 'header.claims.signature';
  const refreshToken = 'the refresh token of the client';
  const received = {
    accessToken: held.token,
    tokenType: 'Bearer',
    expiresIn: 300,
    scopes: signIn.scopes,
    idToken,
    refreshToken,
  };
  return {
    token: {
      body: { user: 'alice', api: ORDERS, scopes: ['read'], claims: { role: 'admin' }, expiresIn: 60 },
      answer: issued,
    },
    signIn: { body: signIn, answer: received },
    idToken: { body: signIn, answer: { idToken } },
    refreshToken: { body: signIn, answer: { refreshToken } },
    revoke: { body: held, answer: { revoked: true } },
    expire: { body: held },
  };
}

/** The answer has the defaults of the schema. */
function entryExamples(singular: string, schema: z.ZodType, body: object): Readonly<Record<string, Example>> {
  const checked = validate(schema, body);
  if (!checked.success) throw new TypeError(`the example of ${singular} is not valid: ${checked.error.message}`);
  const entry = checked.data;
  return {
    [`list${singular}s`]: { answer: { [`${singular.toLowerCase()}s`]: [entry] } },
    [`put${singular}`]: { body, answer: entry },
  };
}
