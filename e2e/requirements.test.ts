import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { requirements } from './requirements.ts';

const here = new URL('.', import.meta.url);
const cited = readdirSync(here)
  .filter((name) => name.endsWith('.test.ts') && name !== 'requirements.test.ts')
  .flatMap((name) => [...readFileSync(new URL(name, here), 'utf8').matchAll(/\brequirement\(\s*'([^']+)'/g)])
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
