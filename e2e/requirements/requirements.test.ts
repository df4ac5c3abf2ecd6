import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { requirements } from './index.ts';

const here = new URL('..', import.meta.url);
const cited = readdirSync(here, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts') && !file.startsWith('node_modules'))
  .flatMap((file) => [...readFileSync(new URL(file, here), 'utf8').matchAll(/\brequirement\(\s*'([^']+)'/g)])
  .map(([, id]) => id);

test('every requirement has a test that cites it', () => {
  expect(Object.keys(requirements).filter((id) => !cited.includes(id))).toEqual([]);
});

test('every citation is of a known requirement', () => {
  expect(cited.filter((id) => !(String(id) in requirements))).toEqual([]);
});

test('every requirement is a sentence with a source', () => {
  for (const { sentence, link } of Object.values(requirements)) {
    expect(sentence.length).toBeGreaterThan(20);
    expect(link).toMatch(/^(https:\/\/|docs\/design\.md#)/);
  }
});
