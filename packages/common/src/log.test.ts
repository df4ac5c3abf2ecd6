import { expect, test } from '@jest/globals';
import { errorFields } from './log.ts';

test('logs the name and the stack frames of an error, without its message', () => {
  const fields = errorFields(new TypeError('the token is\n    at abc'));
  expect(fields).toEqual({ error: 'TypeError', at: expect.arrayContaining([expect.stringContaining('log.test.ts')]) });
  expect(JSON.stringify(fields)).not.toContain('the token is');
  expect(errorFields('a message')).toEqual({ error: 'string' });
});
