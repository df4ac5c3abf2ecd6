import type { IncomingMessage } from 'node:http';
import { expect, test } from '@jest/globals';
import { clientOf } from './client_of.ts';

const assertion = `e30.${Buffer.from('{"sub":"one"}').toString('base64url')}.sig`;

test.each([
  ['HTTP Basic', { headers: { authorization: `Basic ${btoa('one:secret')}` } }, '', 'one'],
  ['HTTP Basic, form-encoded', { headers: { authorization: `basic ${btoa('a%3Ab+%26:secret')}` } }, '', 'a:b &'],
  ['the form', { headers: {} }, 'client_id=one', 'one'],
  ['the query', { headers: {}, url: '/auth?client_id=one' }, '', 'one'],
  ['an assertion', { headers: {} }, `client_assertion=${assertion}`, 'one'],
  ['an assertion that is none', { headers: {} }, 'client_assertion=x', undefined],
  ['nothing', { headers: { authorization: 'Bearer one' } }, '', undefined],
] as const)('a client is known by %s', (_how, request, form, client) => {
  expect(clientOf(request as unknown as IncomingMessage, new URLSearchParams(form))).toBe(client);
});
