import { expect, test } from '@jest/globals';
import { mayContinue } from './may_continue.ts';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test.each([
  ['an ordinary one', { traceparent, tracestate: 'vendor=abc' }, true],
  ['none', {}, false],
  [
    'one with the token',
    { traceparent, tracestate: 'vendor=a-secret-token', authorization: 'Bearer a-secret-token' },
    false,
  ],
  ['one with a cookie', { traceparent, tracestate: 'vendor=a-secret-value', cookie: 'a=a-secret-value' }, false],
  ['a tracestate that is too long', { traceparent, tracestate: `vendor=${'x'.repeat(600)}` }, false],
  ['a traceparent that is too long', { traceparent: traceparent + '0'.repeat(600) }, false],
])('whether a trace may be continued: %s', (_what, headers, expected) => {
  expect(mayContinue(headers)).toBe(expected);
});
