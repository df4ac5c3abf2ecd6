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

describe('an environment variable', () => {
  test('sets a single value by its path and converts it to the type of the value', async () => {
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

  test('exists for each value, and for each whole list', () => {
    const variables = overridable().map(({ variable }) => variable);
    expect(new Set(variables).size).toBe(variables.length);
    expect(variables).toEqual(
      expect.arrayContaining(['TALLYSTICK_ISSUER', 'TALLYSTICK_AUTHORIZATION_SERVER_BACK_CHANNEL_URL']),
    );
    expect(variables.filter((variable) => /_(?:CLIENTS|USERS|APIS)/.test(variable))).toEqual([
      'TALLYSTICK_APIS',
      'TALLYSTICK_CLIENTS',
      'TALLYSTICK_USERS',
    ]);
  });

  test('sets a list as JSON', async () => {
    const users = [{ id: 'zoe', claims: { name: 'Zoe' } }];
    const config = await loadConfig(DEMO, {
      TALLYSTICK_USERS: JSON.stringify(users),
      TALLYSTICK_ALLOWED_HOSTS: '["a.example"]',
    });
    expect(config.users).toEqual(users);
    expect(config.allowedHosts).toEqual(['a.example']);
  });

  test.each([
    ['text that is not JSON', '[{"secret":"hush'],
    ['JSON that is not a list', '{"secret":"hush"}'],
    ['JSON text', '"hush"'],
  ])('is refused with %s in place of a list, and the error does not quote it', async (_what, text) => {
    const loading = loadConfig(DEMO, { TALLYSTICK_CLIENTS: text });
    await expect(loading).rejects.toMatchObject({
      problems: ['clients: expected a JSON array; found other text in TALLYSTICK_CLIENTS'],
    });
  });

  test('is named in the error about a wrong value in a list', async () => {
    await expect(loadConfig(DEMO, { TALLYSTICK_USERS: '[{"id":7}]' })).rejects.toThrow(
      /users\[0\]\.id: expected string; found 7 in TALLYSTICK_USERS/,
    );
  });

  test.each([
    ['TALLYSTICK_GATEWY_PORT', '; did you mean TALLYSTICK_GATEWAY_PORT?'],
    ['TALLYSTICK_GATEWAY_PROT', '; did you mean TALLYSTICK_GATEWAY_PORT?'],
    ['TALLYSTICK_STORE', ''],
  ])('%s is refused as unknown', async (name, suggestion) => {
    await expect(loadConfig(DEMO, { [name]: '1' })).rejects.toMatchObject({
      problems: [`${name}: unknown environment variable${suggestion}`],
    });
  });

  test('that Kubernetes sets for a service named tallystick is ignored', async () => {
    const linked = {
      TALLYSTICK_PORT: 'tcp://10.0.0.1:4000',
      TALLYSTICK_SERVICE_HOST: '10.0.0.1',
      TALLYSTICK_SERVICE_PORT_HTTP: '4000',
      TALLYSTICK_PORT_4000_TCP: 'tcp://10.0.0.1:4000',
      TALLYSTICK_PORT_4000_TCP_ADDR: '10.0.0.1',
    };
    await expect(loadConfig(DEMO, linked)).resolves.toBeDefined();
  });

  test('is validated like the file', async () => {
    await expect(loadConfig(DEMO, { TALLYSTICK_GATEWAY_PORT: 'eighty' })).rejects.toThrow(
      /gateway\.port: expected number; found "eighty"/,
    );
    await expect(loadConfig(DEMO, { TALLYSTICK_STORE_SEAL: 'yes' })).rejects.toThrow(
      /store\.seal: expected boolean; found "yes"/,
    );
  });
});

describe('refuses a configuration', () => {
  const preview = {
    id: 'demo-web',
    grants: ['authorization_code'],
    redirectUris: ['https://*.app.test/callback'],
    insecureRedirectUriPatterns: true,
  };
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
    [
      'with two APIs that have the same resource indicator',
      ['apis', 4],
      twin,
      /^apis\[4\]\.resource: expected another value: an earlier/,
    ],
    [
      'with two routes that have the same prefix',
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
      'that names a trusted proxy by its host name',
      ['gateway', 'trustedProxies'],
      ['10.0.0.0/8', 'proxy.example.com'],
      /^gateway\.trustedProxies\[1\]: expected an address or a network.*; found "proxy.example.com"/,
    ],
    [
      'that closes WebSockets with a code that has another meaning',
      ['gateway', 'webSockets'],
      { tokenCloseCode: 1000 },
      /^gateway\.webSockets\.tokenCloseCode: expected 1008, or a code from 3000 to 4999; found 1000/,
    ],
    [
      'with a client that introspects for an unknown API',
      ['clients', 0, 'introspects'],
      ['https://none.example.com'],
      /^clients\[0\]\.introspects\[0\]: expected the resource of one of the apis; found/,
    ],
    [
      'whose gateway has a secret other than that of its client',
      ['gateway', 'client', 'secret'],
      'wrong-one',
      /^gateway\.client\.secret: expected the secret of the client "gateway"; found \[redacted\] \(a string\)$/,
    ],
    [
      'with an authorization_code client that has no redirect URI',
      ['clients', 1, 'redirectUris'],
      [],
      /^clients\[1\]\.redirectUris: expected at least one/,
    ],
    [
      'with a client_credentials client that has no secret',
      ['clients', 0, 'secret'],
      undefined,
      /^clients\[0\]\.secret: expected a secret/,
    ],
    [
      'with a scope that contains a space',
      ['apis', 0, 'scopes'],
      ['read write'],
      /^apis\[0\]\.scopes\[0\]: expected a scope token .*; found "read write"/,
    ],
    [
      'with a token exchange for an unknown API',
      ['clients', 2, 'tokenExchange', 'to', 0],
      'https://api.example.com/none',
      /^clients\[2\]\.tokenExchange\.to\[0\]: expected the resource of one of the apis; found/,
    ],
    [
      'with a token_exchange client that has no tokenExchange settings',
      ['clients', 2, 'tokenExchange'],
      undefined,
      /^clients\[2\]\.tokenExchange: expected this together with the token_exchange grant/,
    ],
    [
      'with a user whose id is the id of a client',
      ['users', 0, 'id'],
      'demo-web',
      /^users\[0\]\.id: expected an id that no client/,
    ],
    [
      'with a user who has a claim that the server sets',
      ['users', 0, 'claims'],
      { name: 'Alice', auth_time: 1 },
      /^users\[0\]\.claims\.auth_time: expected another claim: the server sets this one itself; found "auth_time"$/,
    ],
    [
      'with a user who has a claim that contains __proto__',
      ['users', 1, 'claims'],
      { address: JSON.parse('{"__proto__":{}}') },
      /^users\[1\]\.claims\.address\.__proto__: expected another name/,
    ],
    [
      'with an API that adds a claim that the server sets',
      ['apis', 0, 'claims'],
      { scope: '/client/scope' },
      /^apis\[0\]\.claims\.scope: expected another claim/,
    ],
    [
      'with a pattern as a redirect URI',
      ['clients', 1, 'redirectUris'],
      ['https://app.test/', 'https://*.x'],
      /^clients\[1\]\.redirectUris\[1\]: expected a URI without `\*`: patterns need insecureRedirectUriPatterns; found "https:\/\/\*\.x"$/,
    ],
    [
      'with a pairwise client whose redirect URI leaves the sector open',
      ['clients', 1],
      { ...preview, metadata: { subject_type: 'pairwise' } },
      /^clients\[1\]\.metadata\.sector_identifier_uri: expected the URI that defines the sector/,
    ],
    [
      'with a jwt_bearer client and no trusted issuer',
      ['clients', 0, 'grants'],
      ['jwt_bearer'],
      /^clients\[0\]\.grants: expected at least one entry in trustedIssuers/,
    ],
    [
      'with a password client while the password grant is disabled',
      ['clients', 0, 'grants'],
      ['password'],
      /^clients\[0\]\.grants: expected authorizationServer\.insecurePasswordGrant to be true/,
    ],
    [
      'with redirect URIs of a client that never gets a redirect',
      ['clients', 0, 'redirectUris'],
      ['https://app.test/'],
      /^clients\[0\]\.redirectUris: expected this only with the authorization_code or implicit grant/,
    ],
    [
      'with PKCE of a client without the authorization_code grant',
      ['clients', 0, 'pkce'],
      'required',
      /^clients\[0\]\.pkce: expected this only with the authorization_code grant/,
    ],
    [
      'with an application type of a client that never gets a redirect',
      ['clients', 0, 'applicationType'],
      'native',
      /^clients\[0\]\.applicationType: expected this only with the authorization_code or implicit grant; found "native"/,
    ],
    [
      'with a consent rule of a client for which no user signs in',
      ['clients', 0, 'consent'],
      'never',
      /^clients\[0\]\.consent: expected this only with the authorization_code, implicit, or device_code grant; found "never"/,
    ],
    [
      'with an automatic login of a client for which no user signs in',
      ['clients', 0, 'automaticLogin'],
      { user: 'alice' },
      /^clients\[0\]\.automaticLogin: expected this only with the authorization_code, implicit, or device_code grant/,
    ],
    [
      'with logout redirects of a client for which no user signs in',
      ['clients', 0, 'postLogoutRedirectUris'],
      ['https://app.test/'],
      /^clients\[0\]\.postLogoutRedirectUris: expected this only with the authorization_code, .* or ciba grant/,
    ],
    [
      'with a lifetime of refresh tokens of a client without them',
      ['clients', 0, 'lifetimes'],
      { refreshToken: 60 },
      /^clients\[0\]\.lifetimes\.refreshToken: expected this only with the refresh_token grant; found 60/,
    ],
    [
      'with refresh tokens that no grant of the client issues',
      ['clients', 0, 'grants'],
      ['client_credentials', 'refresh_token'],
      /^clients\[0\]\.grants: expected refresh_token only beside a grant that issues refresh tokens: authorization_code, device_code, or ciba/,
    ],
    [
      'with an empty list of default scopes',
      ['authorizationServer', 'defaultScopes'],
      [],
      /^authorizationServer\.defaultScopes: expected/,
    ],
    [
      'with the user of a permissive tenant, although the tenant is not permissive',
      ['tenants'],
      [{ id: 'a', apis: [twin], permissiveUser: 'ann' }],
      /^tenants\[0\]\.permissiveUser: expected this only with `permissive: true`; found "ann"/,
    ],
    [
      'with the access tokens of a permissive tenant, although the tenant is not permissive',
      ['tenants'],
      [{ id: 'a', apis: [twin], permissiveAccessTokens: 'split' }],
      /^tenants\[0\]\.permissiveAccessTokens: expected this only with `permissive: true`; found "split"/,
    ],
    [
      'with rotation for a client without refresh tokens',
      ['clients', 0, 'rotateRefreshTokens'],
      false,
      /^clients\[0\]\.rotateRefreshTokens: expected this only with the refresh_token grant/,
    ],
    [
      'with a secret that the authentication method does not use',
      ['clients', 0, 'metadata'],
      { token_endpoint_auth_method: 'none' },
      /^clients\[0\]\.metadata\.token_endpoint_auth_method: expected a method that uses the secret, or no secret/,
    ],
    [
      'with an implicit client while the implicit grant is disabled',
      ['clients', 1, 'grants'],
      ['authorization_code', 'implicit'],
      /^clients\[1\]\.grants: expected features\.implicit to be true for the implicit grant/,
    ],
    [
      'with a ciba client while CIBA is disabled',
      ['features', 'ciba'],
      false,
      /^clients\[\d\]\.grants: expected features\.ciba to be true for the ciba grant; found/,
    ],
    [
      'with a device_code client while the device flow is disabled',
      ['features', 'deviceFlow'],
      false,
      /^clients\[\d\]\.grants: expected features\.deviceFlow to be true for the device_code grant; found/,
    ],
    [
      'with a user whose id is an https URL and may be the id of a client',
      ['users', 0, 'id'],
      'https://app.example.com/client',
      /^users\[0\]\.id: expected an id that no client has: with features\.clientIdMetadataDocuments/,
    ],
    [
      'with a password client of a tenant while the password grant is disabled',
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
      'that changes the claims of the openid scope',
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
      'that trusts its own issuer',
      ['trustedIssuers'],
      [{ issuer: 'http://localhost:4000', jwksUri: 'http://localhost:4000/jwks' }],
      /^trustedIssuers\[0\]\.issuer: expected an issuer other than this one/,
    ],
    [
      'with the private key of a trusted issuer',
      ['trustedIssuers'],
      [{ issuer: 'x', jwks: { keys: [{ kty: 'EC', d: 'too-short' }] } }],
      /^trustedIssuers\[0\]\.jwks\.keys\[0\]: expected a public key; found \[redacted\] \(an object\)$/,
    ],
    ['with an empty password', ['users', 0, 'password'], '', /^users\[0\]\.password: /],
    [
      'with client metadata that has a configuration field',
      ['clients', 0, 'metadata'],
      { redirect_uris: [] },
      /^clients\[0\]\.metadata\.redirect_uris: expected this value in the field `redirectUris`/,
    ],
    [
      'with encryption for tokens that are not JWTs',
      ['apis', 2, 'encryption'],
      { alg: 'ECDH-ES', enc: 'A256GCM', jwk: {} },
      /^apis\[2\]\.encryption: expected this only where `accessTokens` is jwt/,
    ],
    [
      'with an encryption key that does not fit the algorithm',
      ['apis', 0, 'encryption'],
      { alg: 'RSA-OAEP', jwk: { kty: 'EC', crv: 'P-256', x: 'too-short', y: 'too-short' } },
      /^apis\[0\]\.encryption\.jwk: expected a public key \(JWK\) that fits `alg`.*; found \[redacted\] \(an object\)$/,
    ],
    [
      'with an incomplete key of a trusted issuer',
      ['trustedIssuers'],
      [{ issuer: 'x', jwks: { keys: [{ kty: 'EC', crv: 'P-256' }] } }],
      /^trustedIssuers\[0\]\.jwks\.keys\[0\]: expected a public key; found \[redacted\]/,
    ],
    [
      'with a timeout longer than a timer allows',
      ['gateway', 'timeouts'],
      { upstream: 2 ** 31 },
      /^gateway\.timeouts\.upstream: expected at most 2147483647; found 2147483648$/,
    ],
    [
      'with a cache larger than the maximum',
      ['gateway', 'cache'],
      { maxEntries: 2 ** 53 - 1 },
      /^gateway\.cache\.maxEntries: expected at most 10000000; found/,
    ],
    [
      'with credentials in a URL that the gateway calls',
      ['gateway', 'issuers'],
      [{ issuer: 'https://idp.example.com', jwksUri: 'https://user:too-short@idp.example.com/jwks' }],
      /^gateway\.issuers\[0\]\.jwksUri: expected an http or https URL without credentials; found "https:\/\/\[redacted\]@/,
    ],
    [
      'with a certificate for an invalid host',
      ['tls'],
      { hosts: ['10.0.1'] },
      /^tls\.hosts\[0\]: expected a host name or an IP address; found "10\.0\.1"$/,
    ],
    [
      'with a token pattern that is not a regular expression',
      ['gateway', 'introspection'],
      { tokenPattern: 'a)(b' },
      /^gateway\.introspection\.tokenPattern: expected a regular expression; found "a\)\(b"$/,
    ],
    [
      'with a claim from an unknown source',
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
      'with a Sentinel password and no Sentinel in the URL',
      ['store', 'sentinel'],
      { password: 'too-short' },
      /^store\.sentinel: expected nothing, because the URL names no Sentinels; found \[redacted\]/,
    ],
    ['with a secret that is too short', ['secret'], 'too-short', /^secret: /],
  ])('%s', async (_what, path, value, problem) => {
    const problems = problemsOf(await changed(path, value));
    expect(problems).toEqual([expect.stringMatching(problem)]);
    expect(problems.join()).not.toMatch(/wrong-one|too-short/);
  });
});

describe('refuses a store URL without showing its credentials:', () => {
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

test.each([
  ['http://localhost:4000', []],
  ['https://localhost:4000', []],
  ['https://login.example.com', [expect.stringMatching(/^clients\[1\]\.redirectUris\[1\]: expected https: .*; found/)]],
])('redirect URIs on http at the issuer %s', async (issuer, problems) => {
  const config = await changed(['clients', 1, 'redirectUris'], ['http://127.0.0.1/cb', 'http://app.test/cb']);
  expect(problemsOf({ ...(config as object), issuer })).toEqual(problems);
});

test('accepts a cache lifetime of 0 and refuses a negative one', async () => {
  const nothing = { maxAge: 0, negative: { maxAge: 0 } };
  const config = checkConfig(await changed(['gateway', 'cache'], nothing));
  expect(config.gateway.cache).toMatchObject(nothing);
  expect(problemsOf(await changed(['gateway', 'cache'], { maxAge: -1 }))).toEqual([
    'gateway.cache.maxAge: expected at least 0; found -1',
  ]);
});

test('fills in the default of each missing value', async () => {
  const { store, gateway, authorizationServer } = await loadConfig(DEMO);
  expect(store).toMatchObject({ url: 'memory:', seal: true, prefix: 'tallystick:' });
  expect(gateway.cache.maxEntries).toBeGreaterThan(0);
  expect(authorizationServer).toMatchObject({ port: 4000, signingAlgorithm: 'ES256', introspectionMaxAge: 60 });
});

test.each([
  'http://localhost:4000',
  'https://login.example.com',
  'https://example.com/auth',
  'https://example.com/login/eu-1',
])('accepts the issuer %s', (issuer) => {
  expect(checkConfig({ issuer }).issuer).toBe(issuer);
});

test.each([
  'http://localhost:4000/',
  'https://example.com/auth/',
  'https://example.com/auth?x',
  'https://example.com/auth#x',
  'https://example.com/a//b',
  'https://example.com/a/../b',
  'https://example.com/%61',
  'https://example.com/a b',
  'https://user@example.com/auth',
  'HTTPS://example.com/auth',
])('refuses the issuer %s', (issuer) => {
  expect(() => checkConfig({ issuer })).toThrow('issuer: expected scheme and authority');
});

test.each([
  ['https://*.app.test/callback', { subject_type: 'pairwise', sector_identifier_uri: 'https://app.test/sector.json' }],
  ['https://*.app.test/callback', { subject_type: 'public' }],
  ['https://app.test/pr-*/callback', { subject_type: 'pairwise' }],
])('accepts a client with the pattern %s and the metadata %j', async (uri, metadata) => {
  const client = { id: 'x', grants: ['authorization_code'], redirectUris: [uri], insecureRedirectUriPatterns: true };
  expect(problemsOf({ clients: [{ ...client, metadata }] })).toEqual([]);
});
