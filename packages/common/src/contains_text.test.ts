import { expect, test } from '@jest/globals';
import { containsText } from './contains_text.ts';

/** How many characters are looked at one by one. */
function charactersLookedAt(operation: () => void): number {
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

test('four times the length is four times the work, also for texts that are made to take long', () => {
  const work = (length: number) => {
    const half = 'a'.repeat(length / 4);
    return charactersLookedAt(() => containsText('a'.repeat(length), `${half}b${half}`));
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
])('says what String.prototype.includes says: %.10s, %.10s', (text, part) => {
  expect(containsText(text, part)).toBe(text.includes(part));
});
