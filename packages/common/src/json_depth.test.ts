import { expect, test } from '@jest/globals';
import { isNestedTooDeeply, MAX_JSON_DEPTH } from './json_depth.ts';

const nested = (depth: number, within = '') => '['.repeat(depth) + within + ']'.repeat(depth);

test.each([
  ['', false],
  ['"a"', false],
  [nested(MAX_JSON_DEPTH), false],
  [nested(MAX_JSON_DEPTH + 1), true],
  [`{"a":${nested(MAX_JSON_DEPTH)}}`, true],
  [`[${Array(1_000).fill('{"a":[]}').join(',')}]`, false],
  [JSON.stringify({ a: '['.repeat(1_000) }), false],
  [JSON.stringify({ a: '"\\'.repeat(1_000), b: '{'.repeat(1_000) }), false],
  [JSON.stringify({ '[[\\"': '\\' }) + nested(MAX_JSON_DEPTH + 1), true],
  ['['.repeat(1_000_000), true],
])('%.20s', (text, isTooDeep) => {
  expect(isNestedTooDeeply(text)).toBe(isTooDeep);
});
