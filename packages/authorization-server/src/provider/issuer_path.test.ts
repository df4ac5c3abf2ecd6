import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, test } from '@jest/globals';
import { restoreIssuerPath } from './issuer_path.ts';

/** The URL that the issuer gets. */
function restored(path: string, url: string, method = 'GET'): string | undefined {
  const request = { url, method } as IncomingMessage;
  restoreIssuerPath(
    `https://host.example${path}`,
    (name) => name === 'acme',
    () => {},
  )(request, {} as ServerResponse);
  return request.url;
}

test.each<[url: string, restored: string]>([
  ['/token', '/login/token'],
  ['/login/token', '/login/token'],
  ['/', '/login/'],
  ['/login', '/login'],
  ['/login?x', '/login?x'],
  ['/login/', '/login/'],
  ['/login/nothing', '/login/nothing'],
  ['/loginx/token', '/login/loginx/token'],
  ['/auth?client_id=a', '/login/auth?client_id=a'],
  ['/acme/token', '/login/acme/token'],
  ['/login/acme/token', '/login/acme/token'],
  ['/.well-known/openid-configuration', '/login/.well-known/openid-configuration'],
  ['/.well-known/oauth-authorization-server', '/login/.well-known/oauth-authorization-server'],
  ['/.well-known/oauth-authorization-server/login', '/.well-known/oauth-authorization-server/login'],
  ['/.well-known/openid-configuration/login/acme', '/.well-known/openid-configuration/login/acme'],
  ['/.well-known/oauth-authorization-server/acme', '/login/.well-known/oauth-authorization-server/acme'],
])('an issuer at /login gets %s as %s', (url, expected) => {
  expect(restored('/login', url)).toBe(expected);
});

test.each<[url: string, restored: string]>([
  ['/auth/auth?client_id=a', '/auth/auth?client_id=a'],
  ['/auth?client_id=a', '/auth/auth?client_id=a'],
  ['/auth', '/auth'],
  ['/auth/', '/auth/'],
  ['/', '/auth/'],
  ['/auth/token', '/auth/token'],
  ['/auth/V1StGXR8_Z5jdHi6B-myT', '/auth/auth/V1StGXR8_Z5jdHi6B-myT'],
  ['/auth/auth/V1StGXR8_Z5jdHi6B-myT', '/auth/auth/V1StGXR8_Z5jdHi6B-myT'],
  ['/auth/acme/token', '/auth/acme/token'],
  ['/device/auth', '/auth/device/auth'],
  ['/auth/device/auth', '/auth/device/auth'],
])('an issuer at /auth, which is a name of an endpoint, gets %s as %s', (url, expected) => {
  expect(restored('/auth', url)).toBe(expected);
});

test('an authorization request by POST has no parameters in its URL (OpenID Connect Core 3.1.2.1)', () => {
  expect(restored('/auth', '/auth', 'POST')).toBe('/auth/auth');
});

test('an issuer without a path gets every URL as it is', () => {
  for (const url of ['/', '/auth', '/acme/token']) expect(restored('', url)).toBe(url);
});
