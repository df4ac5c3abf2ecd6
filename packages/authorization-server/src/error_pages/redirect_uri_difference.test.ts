import { expect, test } from '@jest/globals';
import { explainDifference } from './redirect_uri_difference.ts';

test.each([
  ['https://app.example.com/cb', 'https://app.example.com/cb/', 'the slash at the end'],
  ['http://app.example.com/cb', 'https://app.example.com/cb', 'the scheme'],
  ['http://localhost:3000/cb', 'http://127.0.0.1:3000/cb', 'the host'],
  ['http://localhost:3000/cb', 'http://localhost:3001/cb', 'the port'],
  ['https://app.example.com/cb?a=1', 'https://app.example.com/callback', 'the path and the query'],
  ['https://app.example.com/cb#a', 'https://app.example.com/cb', 'the fragment'],
])('%s differs from %s in %s', (sent, registered, parts) => {
  const difference = explainDifference(sent, ['https://other.example/elsewhere?x#y', registered], { isNative: false });
  expect(difference).toBe(`It differs from ${registered} in ${parts}. Redirect URIs must match exactly.`);
});

test.each([
  ['nothing like it', 'https://app.example.com/cb', 'http://127.0.0.1:3000/callback'],
  ['no URI', 'callback', 'http://127.0.0.1:3000/callback'],
  ['the empty text', '', 'http://127.0.0.1:3000/callback'],
])('says nothing about %s', (_what, sent, registered) => {
  expect(explainDifference(sent, [registered], { isNative: false })).toBeUndefined();
});

test('the port of a loopback address is no difference for a native client', () => {
  const [sent, registered] = ['http://127.0.0.1:3000/other', ['http://127.0.0.1/callback']];
  expect(explainDifference(sent, registered, { isNative: true })).toMatch(/ in the path\./);
  expect(explainDifference(sent, registered, { isNative: false })).toMatch(/ in the port and the path\./);
});
