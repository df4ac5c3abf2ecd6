import { expect, test } from '@jest/globals';
import { lastMember, listMembers, mediaTypeOf, TOKEN, trimWhitespace } from './header_grammar.ts';

test.each([
  [' \t a b\t ', 'a b'],
  ['\u00a0a\u00a0', '\u00a0a\u00a0'],
  ['\u2003a\ufeff', '\u2003a\ufeff'],
  ['\va\f', '\va\f'],
  [' \t ', ''],
  ['', ''],
])('trims only SP and HTAB from %j', (text, trimmed) => {
  expect(trimWhitespace(text)).toBe(trimmed);
});

test('splits a list into members', () => {
  expect(listMembers('close,\tx-hop , \u00a0a')).toEqual(['close', 'x-hop', '\u00a0a']);
});

test.each([
  ['198.51.100.1, 192.0.2.1', '192.0.2.1'],
  ['192.0.2.1', '192.0.2.1'],
  [['198.51.100.1', '192.0.2.1 '], '192.0.2.1'],
  [undefined, undefined],
])('finds the last member of %j', (header, last) => {
  expect(lastMember(header)).toBe(last);
});

test.each([
  ["!#$%&'*+.^_`|~-09azAZ", true],
  ['', false],
  ['a b', false],
  ['a:', false],
  ['a\n', false],
  ['é', false],
])('%j is a token: %s', (text, isToken) => {
  expect(TOKEN.test(text)).toBe(isToken);
});

test.each([
  ['Application/JSON ; charset=utf-8', 'application/json'],
  ['text/html', 'text/html'],
  ['\u00a0application/json', '\u00a0application/json'],
  ['', ''],
  [null, undefined],
  [undefined, undefined],
])('reads the media type of %j', (contentType, mediaType) => {
  expect(mediaTypeOf(contentType)).toBe(mediaType);
});
