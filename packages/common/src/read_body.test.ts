import { expect, test } from '@jest/globals';
import { readBody } from './read_body.ts';

test.each([
  ['abc', 4, 'abc'],
  ['abcd', 4, 'abcd'],
  ['abcde', 4, undefined],
  ['', 4, ''],
])('reads %j if it has at most %i bytes', async (text, limit, expected) => {
  expect((await readBody(new Response(text).body, limit))?.toString()).toBe(expected);
});

test('stops reading at the limit and cancels the stream', async () => {
  let chunks = 0;
  let isCancelled = false;
  async function* endless() {
    try {
      for (;;) {
        chunks += 1;
        yield Buffer.from('ab');
      }
    } finally {
      isCancelled = true;
    }
  }
  expect(await readBody(endless(), 4)).toBeUndefined();
  expect([chunks, isCancelled]).toEqual([3, true]);
});
