import { expect, test } from '@jest/globals';
import { hasTooManyParameters, MAX_PARAMETERS } from './parameters.ts';

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
])('%.20s', (text, isTooMany) => {
  expect(hasTooManyParameters(text)).toBe(isTooMany);
  expect(hasTooManyParameters(Buffer.from(text))).toBe(isTooMany);
});
