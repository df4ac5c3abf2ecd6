import { expect, test } from '@jest/globals';
import { endpointOf } from './endpoint.ts';

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
