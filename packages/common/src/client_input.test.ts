import { expect, test } from '@jest/globals';
import {
  containsText,
  hasTooManyParameters,
  isNestedTooDeeply,
  MAX_JSON_DEPTH,
  MAX_PARAMETERS,
} from './client_input.ts';

test.each([
  ['', false],
  ['a=b', false],
  [Array(MAX_PARAMETERS).fill('a=b').join('&'), false],
  [
    Array(MAX_PARAMETERS + 1)
      .fill('a=b')
      .join('&'),
    true,
  ],
  ['&'.repeat(MAX_PARAMETERS), true],
  [`a=${'%26'.repeat(1_000)}`, false],
])('counts the parameters of %.20s', (text, isTooMany) => {
  expect(hasTooManyParameters(text)).toBe(isTooMany);
  expect(hasTooManyParameters(Buffer.from(text))).toBe(isTooMany);
});

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
])('measures the nesting of %.20s', (text, isTooDeep) => {
  expect(isNestedTooDeeply(text)).toBe(isTooDeep);
});

/** Number of calls of `charCodeAt`. */
function countCharacterReads(operation: () => void): number {
  const { charCodeAt } = String.prototype;
  let count = 0;
  String.prototype.charCodeAt = function (index) {
    count += 1;
    return charCodeAt.call(this, index);
  };
  try {
    operation();
    return count;
  } finally {
    String.prototype.charCodeAt = charCodeAt;
  }
}

test('searches in linear time, even in texts that are made to be slow', () => {
  const work = (length: number) => {
    const half = 'a'.repeat(length / 4);
    return countCharacterReads(() => containsText('a'.repeat(length), `${half}b${half}`));
  };
  const few = work(4_000);
  expect(few).toBeGreaterThan(4_000);
  expect(work(16_000) / few).toBeLessThan(5);
});

const a = 'a'.repeat(2_000);

test.each([
  ['', ''],
  ['abc', 'b'],
  ['abc', 'abcd'],
  [a, `${'a'.repeat(500)}b`],
  [`${a}b${a}`, `${'a'.repeat(500)}b${'a'.repeat(500)}`],
  [`${a}b${'a'.repeat(400)}`, `${'a'.repeat(500)}b${'a'.repeat(500)}`],
  ['ab'.repeat(1_000), 'ba'.repeat(999)],
  ['ab'.repeat(1_000), 'ba'.repeat(1_000)],
  [`${'abcab'.repeat(300)}x`, `${'cabab'.repeat(200)}`],
  [`x${'aab'.repeat(600)}`, `${'aba'.repeat(500)}`],
])('returns the same as String.prototype.includes: %.10s, %.10s', (text, part) => {
  expect(containsText(text, part)).toBe(text.includes(part));
});
