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
  ['a client that says nothing', { client: { id: 'gateway' } }, /^gateway\.client\.secret: expected one of/],
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
    'an algorithm that everybody can compute',
    { client: { id: 'gateway', privateKey: 'k.pem', algorithm: 'HS256' } },
    /^gateway\.client\.algorithm: .*"ES256"/,
  ],
  [
    'an unknown media type',
    { introspection: { accept: 'text/html' } },
    /^gateway\.introspection\.accept: .*"application\/jwt".*found "text\/html"/,
  ],
  [
    'a pattern that is none',
    { introspection: { tokenPattern: '[' } },
    /^gateway\.introspection\.tokenPattern: .*found "\["/,
  ],
  ['no one at a time', { introspection: { maxConcurrent: 0 } }, /^gateway\.introspection\.maxConcurrent: /],
  [
    'a gateway without a name that makes JWTs',
    { introspection: { accept: 'application/json' } },
    /^gateway\.ownJwts\.issuer: /,
  ],
  [
    'a gateway without a name that makes JWTs for another issuer',
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
    'an algorithm of JWTs that everybody can compute',
    { issuers: [{ issuer: 'https://login.example.com', jwts: { algorithms: ['HS256'] } }] },
    /^gateway\.issuers\[0\]\.jwts\.algorithms\[0\]: /,
  ],
  [
    'a type of JWTs that needs no setting',
    { issuers: [{ issuer: 'https://login.example.com', jwts: { insecureTypes: ['at+jwt'] } }] },
    /^gateway\.issuers\[0\]\.jwts\.insecureTypes\[0\]: .*"JWT".*"absent"/,
  ],
  [
    'scopes in no claim',
    { issuers: [{ issuer: 'https://login.example.com', scopeClaims: [] }] },
    /^gateway\.issuers\[0\]\.scopeClaims: /,
  ],
  ['a cache of no bytes', { cache: { maxBytes: 0 } }, /^gateway\.cache\.maxBytes: /],
])('a configuration is refused with %s', async (_, changes, problem) => {
  const checking = withGateway(changes);
  await expect(checking).rejects.toThrow(ConfigError);
  const { problems } = (await checking.catch((error: unknown) => error)) as ConfigError;
  expect(problems).toContainEqual(expect.stringMatching(problem));
});

test('the gateway may have a name in two places', async () => {
  const introspection = { accept: 'application/json' };
  const names = [{ publicUrl: 'https://gateway.example.com' }, { ownJwts: { issuer: 'https://gateway.example.com' } }];
  for (const name of names) await expect(withGateway({ introspection, ...name })).resolves.toBeDefined();
});
