import { expect, test } from '@jest/globals';
import { didYouMean } from './suggest.ts';

const KNOWN = ['start', 'gateway', 'config validate', 'TALLYSTICK_STORE_URL'];

test.each([
  ['statr', '; did you mean start?'],
  ['Start', '; did you mean start?'],
  ['gatway', '; did you mean gateway?'],
  ['TALLYSTICK_STORE_ULR', '; did you mean TALLYSTICK_STORE_URL?'],
  ['dance', ''],
  ['', ''],
  ['x'.repeat(100_000), ''],
])('a name like %.20s', (given, suggestion) => {
  expect(didYouMean(given, KNOWN)).toBe(suggestion);
});
