import { expect, test } from '@jest/globals';
import { ConfigError } from './config_error.ts';
import { checkConfig, loadConfig } from './load_config.ts';
import type { Config } from './schema.ts';

const DEMO = new URL('../../../../tallystick.config.yaml', import.meta.url).pathname;

async function withGateway(changes: object): Promise<Config> {
  const config = await loadConfig(DEMO);
  return checkConfig({ ...config, gateway: { ...config.gateway, ...changes } });
}

test.each([
  ['a client without credentials', { client: { id: 'gateway' } }, /^gateway\.client\.secret: expected one of/],
  [
    'a client with two ways to authenticate',
    { client: { id: 'gateway', secret: 'gateway-secret', privateKey: 'k.pem' } },
    /^gateway\.client\.secret: expected one of secret, privateKey and certificate/,
  ],
  ['a certificate without its key', { client: { id: 'gateway', certificate: 'c.pem' } }, /^gateway\.client\.key: /],
  [
    'a key without a certificate',
    { client: { id: 'gateway', secret: 'gateway-secret', key: 'k' } },
    /^gateway\.client\.key: /,
  ],
  [
    'an algorithm without a key',
    { client: { id: 'gateway', secret: 'gateway-secret', algorithm: 'ES256' } },
    /^gateway\.client\.algorithm: /,
  ],
  [
    'a symmetric signing algorithm',
    { client: { id: 'gateway', privateKey: 'k.pem', algorithm: 'HS256' } },
    /^gateway\.client\.algorithm: .*"ES256"/,
  ],
  [
    'an unknown media type',
    { introspection: { accept: 'text/html' } },
    /^gateway\.introspection\.accept: .*"application\/jwt".*found "text\/html"/,
  ],
  [
    'a token pattern that is not a regular expression',
    { introspection: { tokenPattern: '[' } },
    /^gateway\.introspection\.tokenPattern: .*found "\["/,
  ],
  [
    'a maximum of 0 concurrent requests',
    { introspection: { maxConcurrent: 0 } },
    /^gateway\.introspection\.maxConcurrent: /,
  ],
  [
    'a gateway that signs JWTs and has no issuer name',
    { introspection: { accept: 'application/json' } },
    /^gateway\.ownJwts\.issuer: /,
  ],
  [
    'a gateway that signs JWTs for another issuer and has no issuer name',
    {
      issuers: [
        {
          issuer: 'https://login.example.com',
          jwksUri: 'https://login.example.com/jwks',
          introspection: { accept: 'application/json' },
        },
      ],
    },
    /^gateway\.ownJwts\.issuer: /,
  ],
  [
    'a symmetric algorithm for the JWTs of an issuer',
    { issuers: [{ issuer: 'https://login.example.com', jwts: { algorithms: ['HS256'] } }] },
    /^gateway\.issuers\[0\]\.jwts\.algorithms\[0\]: /,
  ],
  [
    'an insecure JWT type that is accepted by default',
    { issuers: [{ issuer: 'https://login.example.com', jwts: { insecureTypes: ['at+jwt'] } }] },
    /^gateway\.issuers\[0\]\.jwts\.insecureTypes\[0\]: .*"JWT".*"absent"/,
  ],
  [
    'an empty list of scope claims',
    { issuers: [{ issuer: 'https://login.example.com', scopeClaims: [] }] },
    /^gateway\.issuers\[0\]\.scopeClaims: /,
  ],
  ['a cache size of 0 bytes', { cache: { maxBytes: 0 } }, /^gateway\.cache\.maxBytes: /],
])('refuses a configuration with %s', async (_, changes, problem) => {
  const checking = withGateway(changes);
  await expect(checking).rejects.toThrow(ConfigError);
  const { problems } = (await checking.catch((error: unknown) => error)) as ConfigError;
  expect(problems).toContainEqual(expect.stringMatching(problem));
});

test('takes the issuer name of the gateway from publicUrl or from ownJwts.issuer', async () => {
  const introspection = { accept: 'application/json' };
  const names = [{ publicUrl: 'https://gateway.example.com' }, { ownJwts: { issuer: 'https://gateway.example.com' } }];
  for (const name of names) await expect(withGateway({ introspection, ...name })).resolves.toBeDefined();
});
