import { expect, test } from '@jest/globals';
import { findTargetFault, toOriginForm } from './request_target.ts';

const request = { method: 'GET', host: 'api.example.com', scheme: 'http' } as const;

test.each([
  ['/a?b', {}, '/a?b'],
  ['*', {}, '*'],
  ['ftp://api.example.com/a', {}, 'ftp://api.example.com/a'],
  ['http:/a', {}, 'http:/a'],
  ['http://api.example.com/a?u=http://x', {}, '/a?u=http://x'],
  ['HTTP://API.example.com:80?b', {}, '/?b'],
  ['http://api.example.com.', {}, '/'],
  ['http://api.example.com', { method: 'OPTIONS' }, '*'],
  ['http://api.example.com#a', {}, '/#a'],
  ['https://api.example.com:443/a', { scheme: 'https' }, '/a'],
  ['http://[::1]:1/a', { host: '[0::1]:1' }, '/a'],
  ['http://api.example.com:81/a', {}, undefined],
  ['https://api.example.com/a', {}, undefined],
  ['http://api.example.com/a', { scheme: 'https' }, undefined],
  ['http://other.example.com/a', {}, undefined],
  ['http://user@api.example.com/a', {}, undefined],
  ['http://api.example.com\\a', {}, undefined],
  ['http:///a', {}, undefined],
  ['http://', {}, undefined],
  ['http://api.example.com/a', { host: undefined }, undefined],
  ['http:///a', { host: '' }, undefined],
] as const)('turns %s %j into %s', (target, different, expected) => {
  expect(toOriginForm(target, { ...request, ...different })).toBe(expected);
});

test.each(['/', '/a%20b?c=%zz'.replace('%zz', '%41'), '/a//b', '/a:b@c'])('accepts %s', (target) => {
  expect(findTargetFault(target)).toBeUndefined();
});

test.each(['', '*', 'a', '//a', 'http://a/', '/a#b', '/a\\b', '/a b', '/%', '/?%4', '/\x7f', '/\u00e9', '/\0'])(
  'refuses %j',
  (target) => {
    expect(findTargetFault(target)).toMatch(/request target/);
  },
);
