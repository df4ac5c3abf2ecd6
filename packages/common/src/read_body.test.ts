import { expect, test } from '@jest/globals';
import { readBody } from './read_body.ts';

test.each([
  ['abc', 4, 'abc'],
  ['abcd', 4, 'abcd'],
  ['abcde', 4, undefined],
  ['', 4, ''],
])('of %j, no more than %i bytes are read', async (text, limit, expected) => {
  expect((await readBody(new Response(text).body, limit))?.toString()).toBe(expected);
});

test('what is past the limit is not read', async () => {
  let given = 0;
  let isOver = false;
  async function* endless() {
    try {
      for (;;) {
        given += 1;
        yield Buffer.from('ab');
      }
    } finally {
      isOver = true;
    }
  }
  expect(await readBody(endless(), 4)).toBeUndefined();
  expect([given, isOver]).toEqual([3, true]);
});
