import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { jsonSchema } from './config_schema.ts';
import { checkConfig } from './load_config.ts';

interface SchemaNode {
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly anyOf?: readonly SchemaNode[];
}

/** Every value that the configuration can have, with its place: `apis[].claims.*`. */
function values(node: SchemaNode, place = ''): { readonly place: string; readonly node: SchemaNode }[] {
  const { properties = {}, items, additionalProperties: others, anyOf = [] } = node;
  return [
    ...Object.entries(properties).flatMap(([name, child]) => {
      const at = place === '' ? name : `${place}.${name}`;
      return [{ place: at, node: child }, ...values(child, at)];
    }),
    ...(items ? values(items, `${place}[]`) : []),
    ...(typeof others === 'object' ? values(others, `${place}.*`) : []),
    ...anyOf.flatMap((alternative) => values(alternative, place)),
  ];
}

const schema = jsonSchema() as SchemaNode;
// Formats are checked by the configuration itself; editors differ in which they know.
const ajv = new Ajv2020({ validateFormats: false });

/** The demo configuration as it is written. */
const DEMO = new URL('../../../../tallystick.config.yaml', import.meta.url);
const demo = async () => parse(await readFile(DEMO, 'utf8')) as Record<string, Record<string, unknown>>;

describe('the published JSON Schema', () => {
  test('is in the package; `npm run generate` updates it', async () => {
    const published = await readFile(new URL('../../schema.json', import.meta.url), 'utf8');
    expect(JSON.parse(published)).toEqual(schema);
  });

  test('has a name with the minor version of the package', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(schema).toMatchObject({ $id: `https://unpkg.com/tallystick@${version.replace(/\.\d+$/, '')}/schema.json` });
  });

  test('is accepted under `$schema` in the file', async () => {
    const named = { $schema: './schema.json', apis: [] };
    expect(ajv.validate(schema, named)).toBe(true);
    expect(checkConfig(named)).toEqual(checkConfig({ apis: [] }));
  });

  test('describes every value', () => {
    const undescribed = values(schema).filter(({ node }) => node.description === undefined);
    expect(undescribed.map(({ place }) => place)).toEqual([]);
    expect(values(schema).length).toBeGreaterThan(150);
  });

  test('has only valid examples', () => {
    const withExamples = values(schema).filter(({ node }) => node.examples !== undefined);
    expect(withExamples.length).toBeGreaterThan(10);
    for (const { place, node } of withExamples) {
      for (const example of node.examples ?? []) expect([place, ajv.validate(node, example)]).toEqual([place, true]);
    }
  });

  test('accepts the demo configuration', async () => {
    expect([ajv.validate(schema, await demo()), ajv.errors]).toEqual([true, null]);
  });

  test.each([
    ['a wrong type', (config) => ({ ...config, gateway: { ...config.gateway, port: 'eighty' } })],
    ['an unknown name', (config) => ({ ...config, sampleAPI: {} })],
    ['a missing value that is required', (config) => ({ ...config, apis: [{ scopes: ['read'] }] })],
    ['a text other than those that are allowed', (config) => ({ ...config, log: { level: 'loud' } })],
  ] satisfies [string, (config: Awaited<ReturnType<typeof demo>>) => object][])('refuses %s', async (_what, change) => {
    expect(ajv.validate(schema, change(await demo()))).toBe(false);
  });
});
