import { expect, test } from '@jest/globals';
import { sameUri } from './same_uri.ts';

test.each([
  ['https://a.example/x', 'https://a.example/x'],
  ['https://a.example/x?y=1#z', 'https://a.example/x?q=2'],
  ['HTTPS://A.Example:443/x', 'https://a.example/x'],
  ['http://a.example:80', 'http://a.example/'],
  ['https://a.example/%7euser/%c3%a9', 'https://a.example/~user/%C3%A9'],
  ['https://a.example/x/./y/../z', 'https://a.example/x/z'],
  ['http://[::1]:4100/x', 'http://[0:0:0:0:0:0:0:1]:4100/x'],
])('%s matches %s', (htu, uri) => {
  expect(sameUri(htu, uri)).toBe(true);
});

test.each([
  ['https://a.example/x', 'https://a.example/X'],
  ['https://a.example/x', 'https://a.example/x/'],
  ['https://a.example/x', 'http://a.example/x'],
  ['https://a.example/x', 'https://a.example:8443/x'],
  ['https://a.example/a%2Fb', 'https://a.example/a/b'],
  ['https://a.example/a%3Fb', 'https://a.example/a'],
  ['https://user@a.example/x', 'https://a.example/x'],
  ['https://a.example\\x', 'https://a.example/x'],
  ['https:a.example/x', 'https://a.example/x'],
  ['https:///a.example/x', 'https://a.example/x'],
  ['https://a.example/x\n', 'https://a.example/x'],
  [' https://a.example/x', 'https://a.example/x'],
  ['ftp://a.example/x', 'ftp://a.example/x'],
  ['', 'https://a.example/'],
  ['https://a.example/x', undefined],
  ['https://a.example/x', ''],
])('%j does not match %s', (htu, uri) => {
  expect(sameUri(htu, uri)).toBe(false);
});
