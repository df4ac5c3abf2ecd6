import { describe, expect, test } from '@jest/globals';
import { ConfigError } from './config_error.ts';
import { overridable } from './environment_overrides.ts';
import { checkConfig, loadConfig } from './load_config.ts';

const DEMO = new URL('../../../../tallystick.config.yaml', import.meta.url).pathname;

/** The demo configuration with one value changed. */
async function changed(path: readonly (string | number)[], value: unknown): Promise<unknown> {
  const config: unknown = structuredClone(await loadConfig(DEMO));
  const parent = path.slice(0, -1).reduce((node, step) => (node as Record<string | number, unknown>)[step], config);
  (parent as Record<string | number, unknown>)[path.at(-1) ?? ''] = value;
  return config;
}

function problemsOf(config: unknown): readonly string[] {
  try {
    checkConfig(config);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
  }
  return [];
}

describe('the environment', () => {
  test('sets any single value by its path, in its type', async () => {
    const config = await loadConfig(DEMO, {
      TALLYSTICK_STORE_SEAL: 'false',
      TALLYSTICK_GATEWAY_PORT: '8080',
      TALLYSTICK_GATEWAY_CACHE_NEGATIVE_MAX_AGE: '7',
      TALLYSTICK_LOG_LEVEL: 'debug',
      TALLYSTICK_GATEWAY_CLIENT_ID: 'gateway',
    });
    expect(config.store.seal).toBe(false);
    expect(config.gateway.port).toBe(8080);
    expect(config.gateway.cache.negative.maxAge).toBe(7);
    expect(config.log.level).toBe('debug');
  });

  test('has one variable for each value outside the lists', () => {
    const variables = overridable().map(({ variable }) => variable);
    expect(new Set(variables).size).toBe(variables.length);
    expect(variables).toEqual(
      expect.arrayContaining(['TALLYSTICK_ISSUER', 'TALLYSTICK_AUTHORIZATION_SERVER_BACK_CHANNEL_URL']),
    );
    expect(variables.filter((variable) => /CLIENTS|USERS|APIS/.test(variable))).toEqual([]);
  });

  test('is checked like the file', async () => {
    await expect(loadConfig(DEMO, { TALLYSTICK_GATEWAY_PORT: 'eighty' })).rejects.toThrow(
      /gateway\.port: expected number; found "eighty"/,
    );
    await expect(loadConfig(DEMO, { TALLYSTICK_STORE_SEAL: 'yes' })).rejects.toThrow(
      /store\.seal: expected boolean; found "yes"/,
    );
  });
});

describe('a configuration is refused', () => {
  const twin = { resource: 'https://api.example.com/jwt', scopes: [] };
  test.each([
    [
      'that lets anonymous callers have most entries of the memory store',
      ['store', 'anonymous'],
      { maxEntries: 10_001 },
      /^store\.anonymous\.maxEntries: expected at most a twentieth of store\.maxEntries/,
    ],
    [
      'that lets anonymous callers have most bytes of the memory store',
      ['store', 'maxBytes'],
      1024 * 1024,
      /^store\.anonymous\.maxBytes: expected at most a sixteenth of store\.maxBytes/,
    ],
    [
      'that shares a store without a secret',
      ['store', 'url'],
      'redis://localhost',
      /^secret: expected a secret of at least 32/,
    ],
    ['with two APIs of one resource', ['apis', 4], twin, /^apis\[4\]\.resource: expected another value: an earlier/],
    [
      'with two routes of one prefix',
      ['gateway', 'routes', 1, 'prefix'],
      '/jwt',
      /^gateway\.routes\[1\]\.prefix: expected another prefix/,
    ],
    [
      'whose gateway may not introspect',
      ['gateway', 'client', 'id'],
      'demo-service',
      /^gateway\.client\.id: expected the id of a client with `introspects`; found "demo-service"/,
    ],
    [
      'that trusts a proxy by its name',
      ['gateway', 'trustedProxies'],
      ['10.0.0.0/8', 'proxy.example.com'],
      /^gateway\.trustedProxies\[1\]: expected an address or a network.*; found "proxy.example.com"/,
    ],
    [
      'that closes WebSockets with a code of another meaning',
      ['gateway', 'webSockets'],
      { tokenCloseCode: 1000 },
      /^gateway\.webSockets\.tokenCloseCode: expected 1008, or a code from 3000 to 4999; found 1000/,
    ],
    [
      'whose client introspects for an API that is not there',
      ['clients', 0, 'introspects'],
      ['https://none.example.com'],
      /^clients\[0\]\.introspects\[0\]: expected the resource of one of the apis; found/,
    ],
    [
      'whose gateway has another secret',
      ['gateway', 'client', 'secret'],
      'wrong-one',
      /^gateway\.client\.secret: expected the secret of the client "gateway"; found \[redacted\] \(a string\)$/,
    ],
    [
      'with a code client that has no redirect URI',
      ['clients', 1, 'redirectUris'],
      [],
      /^clients\[1\]\.redirectUris: expected at least one/,
    ],
    [
      'with a public client for client credentials',
      ['clients', 0, 'secret'],
      undefined,
      /^clients\[0\]\.secret: expected a secret/,
    ],
    [
      'with a scope that is two',
      ['apis', 0, 'scopes'],
      ['read write'],
      /^apis\[0\]\.scopes\[0\]: expected a scope token .*; found "read write"/,
    ],
    [
      'with an exchange for no API',
      ['clients', 2, 'tokenExchange', 'to', 0],
      'https://api.example.com/none',
      /^clients\[2\]\.tokenExchange\.to\[0\]: expected the resource of one of the apis; found/,
    ],
    [
      'with an exchange that nothing is said about',
      ['clients', 2, 'tokenExchange'],
      undefined,
      /^clients\[2\]\.tokenExchange: expected this together with the token_exchange grant/,
    ],
    [
      'with a user named like a client',
      ['users', 0, 'id'],
      'demo-web',
      /^users\[0\]\.id: expected an id that no client/,
    ],
    [
      'with a user who has claims of the server',
      ['users', 0, 'claims'],
      { name: 'Alice', auth_time: 1 },
      /^users\[0\]\.claims\.auth_time: expected another claim: the server sets this one itself; found "auth_time"$/,
    ],
    [
      'with a user whose claims have a prototype',
      ['users', 1, 'claims'],
      { address: JSON.parse('{"__proto__":{}}') },
      /^users\[1\]\.claims\.address\.__proto__: expected another name/,
    ],
    [
      'with an API whose tokens have claims of the server',
      ['apis', 0, 'claims'],
      { scope: '/client/scope' },
      /^apis\[0\]\.claims\.scope: expected another claim/,
    ],
    [
      'with a jwt_bearer client and no issuer',
      ['clients', 0, 'grants'],
      ['jwt_bearer'],
      /^clients\[0\]\.grants: expected at least one entry in trustedIssuers/,
    ],
    [
      'with a password client and no password grant',
      ['clients', 0, 'grants'],
      ['password'],
      /^clients\[0\]\.grants: expected authorizationServer\.insecurePasswordGrant to be true/,
    ],
    [
      'with a ciba client and without CIBA',
      ['features', 'ciba'],
      false,
      /^clients\[\d\]\.grants: expected features\.ciba to be true for the ciba grant; found/,
    ],
    [
      'with a device_code client and without the device flow',
      ['features', 'deviceFlow'],
      false,
      /^clients\[\d\]\.grants: expected features\.deviceFlow to be true for the device_code grant; found/,
    ],
    [
      'with a user whose id is the URL of a client',
      ['users', 0, 'id'],
      'https://app.example.com/client',
      /^users\[0\]\.id: expected an id that no client has: with features\.clientIdMetadataDocuments/,
    ],
    [
      'with a password client of a tenant and no password grant',
      ['tenants'],
      [{ ...{ id: 'a', apis: [twin], users: [] }, clients: [{ id: 'x', secret: 'x', grants: ['password'] }] }],
      /^tenants\[0\]\.clients\[0\]\.grants: expected authorizationServer\.insecurePasswordGrant to be true/,
    ],
    [
      'with an unknown default API',
      ['authorizationServer', 'defaultApi'],
      'https://none.example.com',
      /^authorizationServer\.defaultApi: expected the resource of one of the apis; found/,
    ],
    [
      'with an unknown default API of a client',
      ['clients', 1, 'defaultApi'],
      'https://none.example.com',
      /^clients\[1\]\.defaultApi: expected the resource of one of the apis; found/,
    ],
    [
      'with an unknown default scope',
      ['authorizationServer', 'defaultScopes'],
      ['openid', 'raed'],
      /^authorizationServer\.defaultScopes\[1\]: expected a scope of OpenID Connect.*; found "raed"/,
    ],
    [
      'that gives openid other claims',
      ['scopes'],
      { openid: ['email'] },
      /^scopes\.openid: expected another name: openid and offline_access have a fixed meaning/,
    ],
    [
      'that trusts an issuer without keys',
      ['trustedIssuers'],
      [{ issuer: 'x' }],
      /^trustedIssuers\[0\]\.jwks: expected/,
    ],
    [
      'that trusts itself',
      ['trustedIssuers'],
      [{ issuer: 'http://localhost:4000', jwksUri: 'http://localhost:4000/jwks' }],
      /^trustedIssuers\[0\]\.issuer: expected an issuer other than this one/,
    ],
    [
      "with a trusted issuer's private key",
      ['trustedIssuers'],
      [{ issuer: 'x', jwks: { keys: [{ kty: 'EC', d: 'too-short' }] } }],
      /^trustedIssuers\[0\]\.jwks\.keys\[0\]: expected a public key; found \[redacted\] \(an object\)$/,
    ],
    ['with an empty password', ['users', 0, 'password'], '', /^users\[0\]\.password: /],
    [
      'with client metadata that has a field of its own',
      ['clients', 0, 'metadata'],
      { redirect_uris: [] },
      /^clients\[0\]\.metadata\.redirect_uris: expected this value in the field `redirectUris`/,
    ],
    [
      'with encrypted tokens that are no JWT',
      ['apis', 2, 'encryption'],
      { alg: 'ECDH-ES', enc: 'A256GCM', jwk: {} },
      /^apis\[2\]\.encryption: expected this only where `accessTokens` is jwt/,
    ],
    [
      'with encrypted tokens and a key of another kind',
      ['apis', 0, 'encryption'],
      { alg: 'RSA-OAEP', jwk: { kty: 'EC', crv: 'P-256', x: 'too-short', y: 'too-short' } },
      /^apis\[0\]\.encryption\.jwk: expected a public key \(JWK\) that fits `alg`.*; found \[redacted\] \(an object\)$/,
    ],
    [
      'that trusts an issuer with half a key',
      ['trustedIssuers'],
      [{ issuer: 'x', jwks: { keys: [{ kty: 'EC', crv: 'P-256' }] } }],
      /^trustedIssuers\[0\]\.jwks\.keys\[0\]: expected a public key; found \[redacted\]/,
    ],
    [
      'that waits longer than a timer can',
      ['gateway', 'timeouts'],
      { upstream: 2 ** 31 },
      /^gateway\.timeouts\.upstream: expected at most 2147483647; found 2147483648$/,
    ],
    [
      'with a cache that no process has room for',
      ['gateway', 'cache'],
      { maxEntries: 2 ** 53 - 1 },
      /^gateway\.cache\.maxEntries: expected at most 10000000; found/,
    ],
    [
      'with credentials in a URL that is called',
      ['gateway', 'issuers'],
      [{ issuer: 'https://idp.example.com', jwksUri: 'https://user:too-short@idp.example.com/jwks' }],
      /^gateway\.issuers\[0\]\.jwksUri: expected an http or https URL without credentials; found "https:\/\/\[redacted\]@/,
    ],
    [
      'with a certificate for what is no host',
      ['tls'],
      { hosts: ['10.0.1'] },
      /^tls\.hosts\[0\]: expected a host name or an IP address; found "10\.0\.1"$/,
    ],
    [
      'with a pattern of tokens that is none',
      ['gateway', 'introspection'],
      { tokenPattern: 'a)(b' },
      /^gateway\.introspection\.tokenPattern: expected a regular expression; found "a\)\(b"$/,
    ],
    [
      'with a claim from nowhere',
      ['apis', 0, 'claims'],
      { email: '/somebody/email' },
      /^apis\[0\]\.claims\.email: expected a JSON pointer/,
    ],
    [
      'with certificates for a store without TLS',
      ['store', 'tls'],
      { ca: 'too-short' },
      /^store\.tls: expected nothing, because the URL does not begin with rediss; found \[redacted\]/,
    ],
    [
      'with a password for Sentinels that are not there',
      ['store', 'sentinel'],
      { password: 'too-short' },
      /^store\.sentinel: expected nothing, because the URL names no Sentinels; found \[redacted\]/,
    ],
    ['with a short secret', ['secret'], 'too-short', /^secret: /],
  ])('%s', async (_what, path, value, problem) => {
    const problems = problemsOf(await changed(path, value));
    expect(problems).toEqual([expect.stringMatching(problem)]);
    expect(problems.join()).not.toMatch(/wrong-one|too-short/);
  });
});

describe('a store URL is refused, and not shown,', () => {
  test.each([
    ['mongodb://user:hunter2@x', /^store\.url: expected memory:, redis:\/\/.*sentinel:\/\/; found \[redacted\]/],
    ['redis://user:hunter2/@x', /^store\.url: expected host, host:port or \[IPv6\]:port/],
    ['redis+sentinel://user:hunter2@x', /^store\.url: expected the master's name/],
  ])('%s', async (url, problem) => {
    const config = (await changed(['store', 'url'], url)) as { secret?: string };
    config.secret = 'a secret of at least 32 characters';
    expect(problemsOf(config)).toEqual([expect.stringMatching(problem)]);
    expect(problemsOf(config).join()).not.toContain('hunter2');
  });
});

test('a gateway can be told to keep nothing', async () => {
  const nothing = { maxAge: 0, negative: { maxAge: 0 } };
  const config = checkConfig(await changed(['gateway', 'cache'], nothing));
  expect(config.gateway.cache).toMatchObject(nothing);
  expect(problemsOf(await changed(['gateway', 'cache'], { maxAge: -1 }))).toEqual([
    'gateway.cache.maxAge: expected at least 0; found -1',
  ]);
});

test('what is not given has its default', async () => {
  const { store, gateway, authorizationServer } = await loadConfig(DEMO);
  expect(store).toMatchObject({ url: 'memory:', seal: true, prefix: 'tallystick:' });
  expect(gateway.cache.maxEntries).toBeGreaterThan(0);
  expect(authorizationServer).toMatchObject({ port: 4000, signingAlgorithm: 'ES256', introspectionMaxAge: 60 });
});
