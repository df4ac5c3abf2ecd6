import { expect, test } from '@jest/globals';
import { sameText } from './same_text.ts';

test.each([
  ['secret', 'secret', true],
  ['secret', 'secreT', false],
  ['secret', 'secret2', false],
  ['', 'secret', false],
  ['', '', true],
])('%j and %j are the same: %s', (one, other, isSame) => {
  expect(sameText(one, other)).toBe(isSame);
});
