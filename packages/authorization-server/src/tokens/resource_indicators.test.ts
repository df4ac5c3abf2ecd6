import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { REDIRECT_URI } from '@tallystick/testing/sign_in';
import { decodeJwt, SignJWT } from 'jose';
import { authorize, CHALLENGE, redeemCode, requestTokens } from '../testing/flow.ts';
import { resourceOf, startTestServer, type TestServer, testClient } from '../testing/test_server.ts';

const API = resourceOf('jwt');
const OTHER_API = resourceOf('phantom');

const SIGNING_SECRET = 'a secret that is long enough for HS256';

const web = { grants: ['authorization_code', 'refresh_token'], redirectUris: [REDIRECT_URI] } as const;

describe('with one API', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer((config) => ({
      ...config,
      apis: config.apis.filter(({ resource }) => resource === API),
      insecurePasswordGrant: true,
      users: [{ id: 'alice', claims: {}, password: 'alice-password' }],
      clients: [
        ...config.clients,
        testClient({ id: 'web', ...web }),
        testClient({ id: 'old', secret: 'old-secret', grants: ['password'] }),
      ],
    }));
  });
  afterAll(() => server.stop());

  test('a token request that names no API gets a token for it', async () => {
    const { access_token, scope } = await requestTokens(server, 'service:service-secret', {
      grant_type: 'client_credentials',
      scope: 'read',
    });
    expect([decodeJwt(access_token).aud, scope]).toEqual([API, 'read']);
  });

  test.each([{}, { audience: API }])('a password request gets a token for it: %j', async (more) => {
    const form = { grant_type: 'password', username: 'alice', password: 'alice-password', ...more };
    const { access_token } = await requestTokens(server, 'old:old-secret', form);
    expect(decodeJwt(access_token).aud).toBe(API);
  });

  test('an authorization request that names no API gets a token for it', async () => {
    const authorization = await authorize(server, { client_id: 'web', scope: 'openid read', ...CHALLENGE });
    const { access_token } = await redeemCode(server, 'web', authorization);
    expect(decodeJwt(access_token)).toMatchObject({ aud: API, scope: 'read' });
  });
});

describe('with several APIs', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer((config) => ({
      ...config,
      apis: config.apis.map((api) => (api.resource === API ? { ...api, audience: 'urn:example:orders' } : api)),
      scopes: { groups: ['groups'] },
      clients: [
        ...config.clients,
        testClient({ id: 'web', ...web }),
        testClient({ id: 'without refresh', ...web, grants: ['authorization_code'] }),
        testClient({ id: 'limited', ...web, metadata: { scope: 'openid' } }),
        testClient({ id: 'signs', secret: SIGNING_SECRET, ...web, metadata: { request_object_signing_alg: 'HS256' } }),
        testClient({ id: 'own default', secret: 'secret', grants: ['client_credentials'], defaultApi: OTHER_API }),
      ],
    }));
  });
  afterAll(() => server.stop());

  test('a signed request counts alone: parameters beside it change nothing (RFC 9101 section 6.3)', async () => {
    const signed = (claims: Record<string, string>) =>
      new SignJWT({ client_id: 'signs', response_type: 'code', redirect_uri: REDIRECT_URI, ...CHALLENGE, ...claims })
        .setProtectedHeader({ alg: 'HS256', typ: 'oauth-authz-req+jwt' })
        .setIssuer('signs')
        .setAudience(server.issuer)
        .setIssuedAt()
        .setExpirationTime('1 min')
        .sign(new TextEncoder().encode(SIGNING_SECRET));
    const tokensFor = async (claims: Record<string, string>, beside: Record<string, string>) => {
      const request = { client_id: 'signs', request: await signed(claims), ...beside };
      return redeemCode(server, `signs:${SIGNING_SECRET}`, await authorize(server, request));
    };
    const inside = { scope: 'openid offline_access read', audience: OTHER_API };
    const full = await tokensFor(inside, { scope: 'openid', audience: API });
    expect(full.scope.split(' ').sort()).toEqual(['offline_access', 'openid', 'read']);
    expect(await audiences(full.access_token)).toBe(OTHER_API);
    const plain = await tokensFor({ scope: 'openid' }, { scope: 'openid offline_access', audience: OTHER_API });
    expect([plain.scope, await audiences(plain.access_token)]).toEqual(['openid', undefined]);
  });

  const serviceToken = (parameters: Record<string, string>, client = 'service:service-secret') =>
    requestTokens(server, client, { grant_type: 'client_credentials', ...parameters });

  async function audiences(token: string): Promise<unknown> {
    const answer = await fetch(`${server.issuer}/token/introspection`, {
      method: 'POST',
      body: new URLSearchParams({ token }),
      headers: { Authorization: `Basic ${btoa('gateway:gateway-secret')}`, Accept: 'application/json' },
    });
    return ((await answer.json()) as { aud: unknown }).aud;
  }

  test('a request that names none is refused, and lists them', async () => {
    const { error, error_description } = await serviceToken({});
    expect(error).toBe('invalid_target');
    expect(error_description).toContain(API);
    expect(error_description).toContain(OTHER_API);
  });

  test('a client can have a default API', async () => {
    const { access_token } = await serviceToken({}, 'own default:secret');
    expect(await audiences(access_token)).toBe(OTHER_API);
  });

  test.each([
    ['the resource', OTHER_API, OTHER_API],
    ['the audience of an API', 'urn:example:orders', 'urn:example:orders'],
  ])('`audience` names an API by %s', async (_what, audience, aud) => {
    expect(await audiences((await serviceToken({ audience })).access_token)).toBe(aud);
  });

  test('`audience` names the API of an authorization request', async () => {
    const parameters = { client_id: 'web', scope: 'openid read', audience: 'urn:example:orders', ...CHALLENGE };
    const { access_token } = await redeemCode(server, 'web', await authorize(server, parameters));
    expect(decodeJwt(access_token)).toMatchObject({ aud: 'urn:example:orders', scope: 'read' });
  });

  test.each([
    ['an unknown audience', { audience: 'urn:example:other' }, 'audience is not an API'],
    ['an unknown resource', { resource: 'https://api.example.com/other' }, 'resource is not an API'],
    ['resource and audience of different APIs', { resource: OTHER_API, audience: API }, 'name different APIs'],
  ])('a token request with %s is refused', async (_what, parameters, description) => {
    const { error, error_description } = await serviceToken(parameters as Record<string, string>);
    expect([error, error_description]).toEqual(['invalid_target', expect.stringContaining(description)]);
  });

  test('resource and audience of the same API agree', async () => {
    const { access_token } = await serviceToken({ resource: API, audience: 'urn:example:orders' });
    expect(await audiences(access_token)).toBe('urn:example:orders');
  });

  test.each([
    ['no scope', {}],
    ['unknown scopes only', { scope: 'unknown other' }],
    ['scopes of another API only', { scope: 'unknown', resource: API }],
  ])('an authorization request with %s is refused at once', async (_what, parameters) => {
    const { callback, pages } = await authorize(server, { client_id: 'web', ...CHALLENGE, ...parameters });
    expect([callback.searchParams.get('error'), pages]).toEqual(['invalid_scope', []]);
    expect(callback.searchParams.get('error_description')).toContain('openid');
  });

  test('the token response lists all granted scopes, of OpenID Connect and of the API', async () => {
    const scope = 'openid profile groups read unknown';
    const authorization = await authorize(server, { client_id: 'web', scope, resource: API, ...CHALLENGE });
    const { scope: granted, refresh_token } = await redeemCode(server, 'web', authorization);
    expect(granted.split(' ').sort()).toEqual(['groups', 'openid', 'profile', 'read']);
    const refreshed = await requestTokens(server, 'web', { grant_type: 'refresh_token', refresh_token });
    expect(refreshed.scope.split(' ').sort()).toEqual(['groups', 'openid', 'profile', 'read']);
    const fewer = await requestTokens(server, 'web', {
      grant_type: 'refresh_token',
      refresh_token: refreshed.refresh_token,
      scope: 'openid read',
    });
    expect(fewer.scope.split(' ').sort()).toEqual(['openid', 'read']);
  });

  test('offline_access needs no prompt, and a refresh with the first scope works', async () => {
    const scope = 'openid offline_access read unknown';
    const authorization = await authorize(server, { client_id: 'web', scope, resource: OTHER_API, ...CHALLENGE });
    const tokens = await redeemCode(server, 'web', authorization);
    expect(tokens.scope.split(' ').sort()).toEqual(['offline_access', 'openid', 'read']);
    const { refresh_token } = tokens;
    const refreshed = await requestTokens(server, 'web', { grant_type: 'refresh_token', refresh_token, scope });
    expect(refreshed.scope?.split(' ').sort()).toEqual(['offline_access', 'openid', 'read']);
  });

  test('a refresh with a scope that the user did not grant is refused', async () => {
    const parameters = { client_id: 'web', scope: 'openid read', resource: OTHER_API, ...CHALLENGE };
    const { refresh_token } = await redeemCode(server, 'web', await authorize(server, parameters));
    const refresh = { grant_type: 'refresh_token', refresh_token, scope: 'openid read write' };
    expect((await requestTokens(server, 'web', refresh)).error).toBe('invalid_scope');
  });

  test.each(['without refresh', 'limited'])('a client that may not have offline_access gets none: %s', async (id) => {
    const parameters = { client_id: id, scope: 'openid offline_access', ...CHALLENGE };
    expect((await redeemCode(server, id, await authorize(server, parameters))).scope).toBe('openid');
  });
});

describe('with settings of its own', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer((config) => ({
      ...config,
      defaultApi: OTHER_API,
      defaultScopes: ['openid', 'read'],
      offlineAccessNeedsConsent: true,
      clients: [...config.clients, testClient({ id: 'web', ...web })],
    }));
  });
  afterAll(() => server.stop());

  test('the default API and the default scopes complete a request', async () => {
    const { scope, id_token } = await redeemCode(
      server,
      'web',
      await authorize(server, { client_id: 'web', ...CHALLENGE }),
    );
    expect(scope.split(' ').sort()).toEqual(['openid', 'read']);
    expect(decodeJwt(id_token).sub).toBe('alice');
  });

  test.each([
    [{}, 'openid'],
    [{ prompt: 'consent' }, 'openid offline_access'],
  ])('offline_access needs prompt=consent: %j gets %s', async (more, scope) => {
    const parameters = { client_id: 'web', scope: 'openid offline_access', ...CHALLENGE, ...more };
    expect((await redeemCode(server, 'web', await authorize(server, parameters as Record<string, string>))).scope).toBe(
      scope,
    );
  });
});
