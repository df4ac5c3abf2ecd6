import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { checkAuthorizationServer } from '../run/authorization_server.ts';
import { createLog } from '../run/dependencies.ts';
import { checkGateway } from '../run/gateway.ts';
import { checkSampleApi } from '../run/sample_api.ts';
import { ConfigError } from './config_error.ts';
import { jsonSchema } from './config_schema.ts';
import { checkConfig } from './load_config.ts';
import type { Config } from './schema.ts';

const DEMO = new URL('../../../../tallystick.config.yaml', import.meta.url);

type Json = Record<string, unknown>;
interface Node {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly additionalProperties?: Node | boolean;
  readonly anyOf?: readonly Node[];
}

/** A repeatable source of numbers from 0 up to 1 (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Texts that are valid for some value, or nearly valid. */
const TEXTS = [
  ...[
    '',
    'x',
    'a b',
    '*',
    'null',
    '__proto__',
    'GET',
    'get',
    'read',
    'openid',
    'X-Header',
    'a'.repeat(300),
    '[',
    '(?i)x',
  ],
  ...[
    '/',
    '/a',
    '/split/',
    '/a//b',
    '/v1~beta',
    '/a.',
    '/a/..',
    '/%61',
    '//evil',
    '/a b',
    '/SPLIT',
    '/healthz',
    '/token',
  ],
  ...[
    'localhost',
    'a.example.com',
    '*.example.com',
    '*.1a.com',
    'a..b',
    '1.2.3',
    '127.1',
    '0x7f.1',
    '::1',
    '[::1]',
    'a:80',
  ],
  ...['10.0.0.0/8', '10.0.0.0/33', '::ffff:10.0.0.1', 'fe80::1%eth0', 'fd00::/8', '256.1.1.1', '__Host-t', 'memory:'],
  ...[
    'http://localhost:4000',
    'http://localhost:4100',
    'https://a.example.com',
    'http://a.example.com/',
    'HTTP://A',
    'ftp://a',
  ],
  ...[
    'http://u:p@a',
    'https://a.example.com/jwt',
    'https://b.example.com/jwt',
    'https://a/x#y',
    'https://a/?q',
    'http://',
  ],
  ...['api://orders', 'urn:example:orders', 'urn:', 'https://api.example.com/jwt', 'https://api.example.com/phantom'],
  ...[
    'gateway',
    'demo-service',
    'demo-web',
    'alice',
    'redis://localhost',
    'redis+cluster://a,b',
    '-----BEGIN X-----',
    '{}',
  ],
];
const NUMBERS = [-1, 0, 0.5, 1, 2, 60, 1008, 4000, 4100, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 53, 1e300];

/** Generates a value, mostly of the right type. */
function generate(node: Node, next: () => number, depth = 0): unknown {
  const oneOf = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  if (next() < 0.05) return oneOf([null, 'x', 7, [], {}, true, undefined]);
  if (node.anyOf) return generate(oneOf(node.anyOf), next, depth);
  if (node.const !== undefined) return node.const;
  if (node.enum) return oneOf(node.enum);
  switch (node.type) {
    case 'boolean':
      return next() < 0.5;
    case 'integer':
    case 'number':
      return next() < 0.5 ? oneOf([node.minimum, node.maximum].filter(Number.isSafeInteger)) : oneOf(NUMBERS);
    case 'array':
      return Array.from({ length: Math.floor(next() * 3) }, () => generate(node.items ?? {}, next, depth + 1));
    case 'object': {
      if (!node.properties) {
        const values = typeof node.additionalProperties === 'object' ? node.additionalProperties : {};
        return next() < 0.3 ? {} : { [oneOf(['GET', '*', 'name', 'jwks', 'kty'])]: generate(values, next, depth + 1) };
      }
      const chosen = Object.entries(node.properties).filter(() => next() < 0.4);
      return Object.fromEntries(chosen.map(([name, child]) => [name, generate(child, next, depth + 1)]));
    }
    default:
      return oneOf(TEXTS);
  }
}

/** Replaces one value at any depth by a generated one. */
function change(value: unknown, node: Node, next: () => number): unknown {
  const goesOn = next() < 0.9;
  const alternatives = node.anyOf ?? [node];
  const shape = alternatives.find(({ type }) => type === (Array.isArray(value) ? 'array' : typeof value)) ?? node;
  if (goesOn && Array.isArray(value) && shape.items && value.length > 0) {
    const index = Math.floor(next() * value.length);
    return value.with(index, change(value[index], shape.items, next));
  }
  if (goesOn && typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const properties = Object.entries(shape.properties ?? {});
    const [name, child] = properties[Math.floor(next() * properties.length)] ?? [];
    if (name !== undefined && child) return { ...value, [name]: change((value as Json)[name], child, next) };
    const [known] = Object.keys(value);
    if (known !== undefined && typeof shape.additionalProperties === 'object')
      return { ...value, [known]: change((value as Json)[known], shape.additionalProperties, next) };
  }
  return generate(node, next);
}

async function createRoles(config: Config): Promise<void> {
  const log = createLog('silent');
  await checkAuthorizationServer(config, log);
  await checkGateway(config, log);
  await checkSampleApi(config);
}

const SCHEMA_PROBLEM = /^(?:the configuration|\S.*?): expected .*; found .+/s;

/** Faults in the handling of a configuration: another error than `ConfigError`, or one without a path. */
async function faultsOf(input: unknown): Promise<{ readonly accepted: boolean; readonly faults: readonly string[] }> {
  let config: Config;
  try {
    config = checkConfig(input);
  } catch (error) {
    const isOurs = error instanceof ConfigError;
    const faults = isOurs ? error.problems.filter((problem) => !SCHEMA_PROBLEM.test(problem)) : [stackOf(error)];
    return { accepted: false, faults };
  }
  try {
    await createRoles(config);
    return { accepted: true, faults: [] };
  } catch (error) {
    // Found only when a role is created: the content of files and keys, and rules of oidc-provider for client metadata.
    const isLate = error instanceof ConfigError && error.problems.every((problem) => LATE.test(problem));
    return { accepted: true, faults: isLate ? [] : [stackOf(error)] };
  }
}

const LATE =
  /^(?:authorizationServer\.signingKey: |(?:tenants\[\d+\]\.)?clients\[\d+\]\.metadata: |gateway\.\S+: expected PEM or JWK|gateway\.\S+ must be a )/;

function stackOf(error: unknown): string {
  return String((error as Error).stack).slice(0, 600);
}

test('every role can be created from an accepted configuration, and each refusal has the path, the expected and the found value', async () => {
  const demo = parse(await readFile(DEMO, 'utf8')) as Json;
  const schema = jsonSchema() as Node;
  const seeds = Number(process.env.CONFIG_SEEDS ?? 60);
  const first = Number(process.env.CONFIG_SEED ?? 1);
  let accepted = 0;
  const faulty: object[] = [];
  for (let seed = first; seed < first + seeds; seed++) {
    const next = random(seed);
    let input: unknown = demo;
    for (let changes = 1 + Math.floor(next() * 3); changes > 0; changes--) input = change(input, schema, next);
    const outcome = await faultsOf(input);
    if (outcome.accepted) accepted++;
    if (outcome.faults.length > 0) faulty.push({ seed, ...outcome });
  }
  expect(faulty).toEqual([]);
  expect(accepted).toBeGreaterThan(seeds / 10);
});
