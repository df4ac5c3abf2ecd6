import type { IncomingMessage } from 'node:http';
import { expect, test } from '@jest/globals';
import { clientOf, endpointOf } from './identify_request.ts';

test.each([
  ['/token', 'token'],
  ['/token/introspection', 'introspection'],
  ['/token/revocation?x=1', 'revocation'],
  ['/auth?client_id=a', 'authorization'],
  ['/auth/some-interaction', 'authorization'],
  ['/device', 'device_verification'],
  ['/device/auth', 'device_authorization'],
  ['/.well-known/openid-configuration', 'discovery'],
  ['/.well-known/oauth-authorization-server', 'discovery'],
  ['/interaction/abc/login', 'interaction'],
  ['/tokens', 'other'],
  ['/', 'other'],
])('%s is the %s endpoint', (target, endpoint) => {
  expect(endpointOf(target, '')).toBe(endpoint);
});

test.each([
  ['/ours/token', 'token'],
  ['/ours/token/introspection?x=1', 'introspection'],
  ['/ours/.well-known/openid-configuration', 'discovery'],
  ['/.well-known/oauth-authorization-server/ours', 'discovery'],
  ['/ours', 'other'],
  ['/ours/', 'other'],
])('%s is the %s endpoint of a tenant', (target, endpoint) => {
  expect(endpointOf(target, '/ours')).toBe(endpoint);
});

const assertion = `e30.${Buffer.from('{"sub":"one"}').toString('base64url')}.sig`;

test.each([
  ['HTTP Basic', { headers: { authorization: `Basic ${btoa('one:secret')}` } }, '', 'one'],
  ['HTTP Basic, form-encoded', { headers: { authorization: `basic ${btoa('a%3Ab+%26:secret')}` } }, '', 'a:b &'],
  ['the form', { headers: {} }, 'client_id=one', 'one'],
  ['the query', { headers: {}, url: '/auth?client_id=one' }, '', 'one'],
  ['an assertion', { headers: {} }, `client_assertion=${assertion}`, 'one'],
  ['a malformed assertion', { headers: {} }, 'client_assertion=x', undefined],
  ['nothing', { headers: { authorization: 'Bearer one' } }, '', undefined],
] as const)('the client is found by %s', (_how, request, form, client) => {
  expect(clientOf(request as unknown as IncomingMessage, new URLSearchParams(form))).toBe(client);
});
