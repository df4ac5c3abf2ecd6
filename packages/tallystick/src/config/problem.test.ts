import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ConfigError } from './config_error.ts';
import { checkConfig, loadConfig } from './load_config.ts';

const DEMO = new URL('../../../../tallystick.config.yaml', import.meta.url).pathname;
const SECRET = 'must-not-be-shown';

type Path = readonly (string | number)[];

async function problemWith(path: Path, value: unknown): Promise<string | undefined> {
  const config: unknown = structuredClone(await loadConfig(DEMO));
  const parent = path.slice(0, -1).reduce((node, step) => {
    const steps = node as Record<string | number, unknown>;
    steps[step] ??= {};
    return steps[step];
  }, config);
  (parent as Record<string | number, unknown>)[path.at(-1) ?? ''] = value;
  return problemIn(async () => checkConfig(config));
}

async function problemIn(load: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await load();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems[0];
    throw error;
  }
  return undefined;
}

describe('the message for a wrong value gives its path, what was expected and what was found:', () => {
  test.each<[string, Path, unknown, string]>([
    ['a wrong type', ['gateway', 'port'], 'eighty', 'gateway.port: expected number; found "eighty"'],
    [
      'a type other than the two that are allowed',
      ['apis', 0, 'audience'],
      7,
      'apis[0].audience: expected string, or array; found 7',
    ],
    ['null', ['clients', 0, 'id'], null, 'clients[0].id: expected string; found null'],
    ['a missing value', ['clients', 0, 'id'], undefined, 'clients[0].id: expected string; found nothing'],
    [
      'an unknown name in an API',
      ['apis', 0, 'scope'],
      ['read'],
      'apis[0].scope: expected one of the names resource, audience, accessTokens, scopes, accessTokenLifetime, signingAlgorithm, claims, authorizationDetailsTypes, encryption, upstream; found an array',
    ],
    [
      'an API that is neither the origin of a server nor an object',
      ['apis', 0],
      'localhost:3000',
      'apis[0]: expected scheme and authority only, such as http://localhost:4000, without a trailing slash; found "localhost:3000"',
    ],
    ['an API of another type', ['apis', 0], 7, 'apis[0]: expected string, or object; found 7'],
    [
      'a fraction instead of an integer',
      ['lifetimes', 'idToken'],
      1.5,
      'lifetimes.idToken: expected integer; found 1.5',
    ],
    ['a number that is too small', ['lifetimes', 'idToken'], 0, 'lifetimes.idToken: expected more than 0; found 0'],
    ['a number that is too large', ['gateway', 'port'], 70_000, 'gateway.port: expected at most 65535; found 70000'],
    ['a text that is too short', ['clients', 0, 'id'], '', 'clients[0].id: expected at least 1 character; found ""'],
    [
      'a list that is too short',
      ['gateway', 'routes', 0, 'upstreams'],
      [],
      'gateway.routes[0].upstreams: expected at least 2 entries; found []',
    ],
    [
      'a text other than those that are allowed',
      ['apis', 0, 'accessTokens'],
      'magic',
      'apis[0].accessTokens: expected one of "jwt"|"opaque"|"phantom"|"split"; found "magic"',
    ],
    [
      'a wrong format',
      ['issuer'],
      'http://x/y/',
      'issuer: expected scheme and authority, and a path if the issuer has one, such as http://localhost:4000 or https://example.com/auth, without a trailing slash; found "http://x/y/"',
    ],
    [
      'a value in an optional object',
      ['gateway', 'tracing'],
      { endpoint: 'collector:4318' },
      'gateway.tracing.endpoint: expected an http or https URL; found "collector:4318"',
    ],
    [
      'an entry of a list',
      ['apis', 0, 'scopes', 1],
      'a b',
      'apis[0].scopes[1]: expected a scope token (RFC 6749 section 3.3); found "a b"',
    ],
    [
      'an entry of a list where a map is allowed too',
      ['apis', 0, 'claims'],
      [5],
      'apis[0].claims[0]: expected string; found 5',
    ],
    [
      'a value of a map where a list is allowed too',
      ['apis', 0, 'claims'],
      { email: '/email' },
      'apis[0].claims.email: expected a JSON pointer that begins with /user/ or /client/; found "/email"',
    ],
    [
      'a name in a map',
      ['gateway', 'routes', 0, 'scopes'],
      { get: [] },
      'gateway.routes[0].scopes.get: expected an HTTP method in capitals; found "get"',
    ],
    [
      'an unknown name',
      ['users', 0, 'nam'],
      'x',
      'users[0].nam: expected one of the names id, claims, password; found a string',
    ],
    [
      'an unknown name where other types are allowed too',
      ['gateway', 'routes', 0, 'scopes', 'GET'],
      { any: [] },
      'gateway.routes[0].scopes.GET.any: expected one of the names allOf, anyOf; found an array',
    ],
    [
      'a reference to an unknown API',
      ['gateway', 'routes', 0, 'api'],
      'https://x',
      'gateway.routes[0].api: expected the resource of one of the apis; found "https://x"',
    ],
  ])('%s', async (_what, path, value, expected) => {
    expect(await problemWith(path, value)).toBe(expected);
  });

  test('names the whole configuration if it is not an object', async () => {
    expect(await problemIn(async () => checkConfig('x'))).toBe('the configuration: expected object; found a string');
  });

  test('names the environment variable that holds a wrong value', async () => {
    const load = () => loadConfig(DEMO, { TALLYSTICK_FEATURES_DPOP: 'yes' });
    expect(await problemIn(load)).toBe('features.dpop: expected boolean; found "yes" in TALLYSTICK_FEATURES_DPOP');
  });

  test('says that a file cannot be read', async () => {
    expect(await problemIn(() => loadConfig('/nowhere.yaml'))).toBe('the file cannot be read: ENOENT');
  });
});

describe('the message for invalid YAML gives the position:', () => {
  test.each([
    [
      'a missing quote',
      `issuer: x\nsecret: "${SECRET}`,
      /^line 2, column 2\d: expected YAML or JSON; found a syntax error: Missing/,
    ],
    ['a duplicate name', `secret: ${SECRET}\nsecret: ${SECRET}`, /^line 2, column 1: .*: Map keys must be unique/],
    ['an alias of an unknown anchor', `secret: ${SECRET}\nissuer: *x`, /^YAML alias refers to an unknown anchor/],
  ])('%s', async (_what, text, expected) => {
    const file = join(tmpdir(), `tallystick-${randomUUID()}.yaml`);
    await writeFile(file, text);
    try {
      const problem = await problemIn(() => loadConfig(file));
      expect(problem).toMatch(expected);
      expect(problem).not.toContain(SECRET);
    } finally {
      await rm(file);
    }
  });
});

describe('a message gives only the type of a value that may be secret:', () => {
  test.each<[string, Path, unknown, RegExp]>([
    [
      'a short secret',
      ['secret'],
      SECRET.slice(0, 12),
      /^secret: expected at least 32 characters; found \[redacted\] \(a string\)$/,
    ],
    ['a wrong secret', ['gateway', 'client', 'secret'], SECRET, /^gateway\.client\.secret: expected the secret of/],
    [
      'a secret instead of a client',
      ['gateway', 'client'],
      SECRET,
      /^gateway\.client: expected object; found a string$/,
    ],
    ['a misspelt name', ['clients', 0, 'secert'], SECRET, /^clients\[0\]\.secert: expected one of .*; found a string$/],
    [
      'client metadata',
      ['clients', 0, 'metadata'],
      { client_secret: SECRET },
      /metadata\.client_secret: expected this value in the field/,
    ],
    ['a password', ['users', 0, 'password'], [SECRET], /^users\[0\]\.password: expected string; found \[redacted\]/],
    ['a key', ['authorizationServer', 'signingKey'], { k: SECRET }, /signingKey: expected string; found \[redacted\]/],
    [
      'a key of a trusted issuer',
      ['trustedIssuers'],
      [{ issuer: 'x', jwks: { keys: [{ kty: SECRET }] } }],
      /kty: expected one of/,
    ],
    [
      'a client instead of a list',
      ['clients'],
      { id: 'x', secret: SECRET },
      /^clients: expected array; found an object$/,
    ],
    [
      'a list instead of a client',
      ['clients', 0],
      [{ secret: SECRET }],
      /^clients\[0\]: expected object; found an array$/,
    ],
    ['credentials in a URL', ['sampleApi', 'url'], `http://me:${SECRET}@api`, /found "http:\/\/\[redacted\]@api"$/],
    [
      "a store's password",
      ['store', 'url'],
      `postgres://me:${SECRET}@db`,
      /^store\.url: expected .*; found \[redacted\]/,
    ],
  ])('%s', async (_what, path, value, expected) => {
    const problem = await problemWith(path, value);
    expect(problem).toMatch(expected);
    expect(problem).not.toContain(SECRET.slice(0, 12));
  });
});
