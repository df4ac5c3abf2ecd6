import { expect, test } from '@jest/globals';
import { findPatternProblem, matchesOriginOfPattern, matchesPattern } from './redirect_uri_pattern.ts';

test.each([
  ['https://*.app.test/cb', undefined],
  ['https://pr-*.app.test/cb', undefined],
  ['https://*.*.app.test/cb', undefined],
  ['https://app.test/*/cb', undefined],
  ['https://app.test/pr-*/cb', undefined],
  ['http://*.localhost:3000/cb', undefined],
  ['https://*.app.test', undefined],
  ['https://*/cb', 'before the domain'],
  ['https://*.test/cb', 'before the domain'],
  ['https://app.*/cb', 'before the domain'],
  ['https://*localhost/cb', 'before the domain'],
  ['http://127.0.0.*/cb', 'before the domain'],
  ['https://a*b*.app.test/cb', 'at most one'],
  ['https://app.test/**', 'at most one'],
  ['https://app.test/cb?x=*', 'host or the path'],
  ['https://*@app.test/cb', 'normal form'],
  ['https://app.test/cb#*', 'normal form'],
  ['https://*.APP.test/cb', 'normal form'],
  ['https://*.app.test:443/cb', 'normal form'],
  ['https://*.app.test/../cb', 'normal form'],
  ['*://app.test/cb', 'normal form'],
  ['com.example.app:/*', 'http or https'],
])('the pattern %s has the problem: %s', (pattern, problem) => {
  expect(findPatternProblem(pattern)).toEqual(problem === undefined ? undefined : expect.stringContaining(problem));
});

const HOST = 'https://*.app.test/cb';
const PATH = 'https://app.test/pr-*/cb';

test.each([
  [HOST, 'https://a.app.test/cb', true],
  [HOST, 'https://pr-17.app.test/cb', true],
  ['https://*.app.test', 'https://a.app.test/', true],
  ['https://*.app.test:8443/cb', 'https://a.app.test:8443/cb', true],
  [PATH, 'https://app.test/pr-17/cb', true],
  // Another host
  [HOST, 'https://evil.com/.app.test/cb', false],
  [HOST, 'https://evil.com/a.app.test/cb', false],
  [HOST, 'https://evil.com?.app.test/cb', false],
  [HOST, 'https://evil.com/?a.app.test/cb', false],
  [HOST, 'https://evil.com#.app.test/cb', false],
  [HOST, 'https://evil.com\\.app.test/cb', false],
  [HOST, 'https://evil.com%2f.app.test/cb', false],
  [HOST, 'https://evil.com%252f.app.test/cb', false],
  [HOST, 'https://evil.com%00.app.test/cb', false],
  [HOST, 'https://evilapp.test/cb', false],
  [HOST, 'https://a.app.test.evil.com/cb', false],
  [HOST, 'https://evil.com/cb', false],
  [HOST, 'https://app.test/cb', false],
  [HOST, 'https://.app.test/cb', false],
  [HOST, 'https://a.b.app.test/cb', false],
  [HOST, 'https://a%2eb.app.test/cb', false],
  [HOST, 'https://a。app.test/cb', false],
  [HOST, 'https://a.app.test./cb', false],
  [HOST, 'https://*.app.test/cb', false],
  // User information
  [HOST, 'https://user@a.app.test/cb', false],
  [HOST, 'https://@a.app.test/cb', false],
  [HOST, 'https://evil.com:x@a.app.test/cb', false],
  [HOST, 'https://a.app.test@evil.com/cb', false],
  [HOST, 'https://a.app.test:x@evil.com/cb', false],
  // Port, scheme, path, query and fragment
  [HOST, 'https://a.app.test:8443/cb', false],
  [HOST, 'https://a.app.test:443/cb', false],
  [HOST, 'http://a.app.test/cb', false],
  [HOST, 'javascript://a.app.test/cb', false],
  [HOST, 'https://a.app.test/cb/', false],
  [HOST, 'https://a.app.test/CB', false],
  [HOST, 'https://a.app.test/x/../cb', false],
  [HOST, 'https://a.app.test/%2e%2e/cb', false],
  [HOST, 'https://a.app.test/cb?x=1', false],
  [HOST, 'https://a.app.test/cb#x', false],
  [HOST, 'https://a.app.test/cb#', false],
  // Spellings that the URL parser changes
  [HOST, 'HTTPS://a.app.test/cb', false],
  [HOST, 'https://A.app.test/cb', false],
  [HOST, 'https:a.app.test/cb', false],
  [HOST, 'https:\\\\a.app.test\\cb', false],
  [HOST, ' https://a.app.test/cb', false],
  [HOST, 'https://a.app\t.test/cb', false],
  // In the path
  [PATH, 'https://app.test/pr-/cb', false],
  [PATH, 'https://app.test/pr-1/2/cb', false],
  [PATH, 'https://app.test/pr-1%2f2/cb', false],
  [PATH, 'https://app.test/pr-1%2e%2e/cb', false],
  [PATH, 'https://app.test/pr-..;/cb', false],
  ['https://app.test/*/cb', 'https://app.test/../cb', false],
  ['https://app.test/*/cb', 'https://app.test/%2e%2e/cb', false],
  ['https://app.test/a*a/cb', 'https://app.test/a/cb', false],
  ['https://app.test/a*a/cb', 'https://app.test/aa/cb', false],
])('of %s, %s is a match: %s', (pattern, uri, matches) => {
  expect(matchesPattern(pattern, uri)).toBe(matches);
});

test.each([
  [HOST, 'https://a.app.test', true],
  [PATH, 'https://app.test', true],
  [HOST, 'https://evil.com', false],
  [HOST, 'http://a.app.test', false],
  [HOST, 'null', false],
])('of %s, the origin %s is a match: %s', (pattern, origin, matches) => {
  expect(matchesOriginOfPattern(pattern, origin)).toBe(matches);
});
