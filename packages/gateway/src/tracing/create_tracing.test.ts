import { expect, test } from '@jest/globals';
import { mayContinueTrace } from './create_tracing.ts';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test.each([
  ['a usual one', { traceparent, tracestate: 'vendor=abc' }, true],
  ['no trace context', {}, false],
  [
    'one that contains the token',
    { traceparent, tracestate: 'vendor=a-secret-token', authorization: 'Bearer a-secret-token' },
    false,
  ],
  [
    'one that contains a cookie',
    { traceparent, tracestate: 'vendor=a-secret-value', cookie: 'a=a-secret-value' },
    false,
  ],
  ['a tracestate that is too long', { traceparent, tracestate: `vendor=${'x'.repeat(600)}` }, false],
  ['a traceparent that is too long', { traceparent: traceparent + '0'.repeat(600) }, false],
])('continues the trace of a client, unless its context may contain a secret: %s', (_, headers, expected) => {
  expect(mayContinueTrace(headers)).toBe(expected);
});
