import { describe, expect, test } from '@jest/globals';
import { parseStoreUrl } from './store_url.ts';

describe('a store URL', () => {
  test.each([
    ['memory:', { kind: 'memory' }],
    ['redis://localhost', { kind: 'standalone', server: { host: 'localhost', port: 6379 }, tls: false, db: 0 }],
    [
      'rediss://gateway:p%40ss%2Fword@redis.example.com:6380/2',
      {
        kind: 'standalone',
        server: { host: 'redis.example.com', port: 6380 },
        tls: true,
        username: 'gateway',
        password: 'p@ss/word',
        db: 2,
      },
    ],
    [
      'redis://:only-a-password@[::1]:6390/',
      { kind: 'standalone', server: { host: '::1', port: 6390 }, tls: false, password: 'only-a-password', db: 0 },
    ],
    [
      'redis+cluster://a,b:7001,[fe80::1]:7002',
      {
        kind: 'cluster',
        servers: [
          { host: 'a', port: 6379 },
          { host: 'b', port: 7001 },
          { host: 'fe80::1', port: 7002 },
        ],
        tls: false,
        db: 0,
      },
    ],
    [
      'rediss+cluster://u:p@a',
      { kind: 'cluster', servers: [{ host: 'a', port: 6379 }], tls: true, username: 'u', password: 'p', db: 0 },
    ],
    [
      'redis+sentinel://a,b:5000/mymaster',
      {
        kind: 'sentinel',
        sentinels: [
          { host: 'a', port: 26379 },
          { host: 'b', port: 5000 },
        ],
        master: 'mymaster',
        tls: false,
        db: 0,
      },
    ],
    [
      'rediss+sentinel://u:p@a/my%20master/3',
      {
        kind: 'sentinel',
        sentinels: [{ host: 'a', port: 26379 }],
        master: 'my master',
        tls: true,
        username: 'u',
        password: 'p',
        db: 3,
      },
    ],
  ])('%s is parsed', (url, expected) => {
    expect(parseStoreUrl(url)).toEqual(expected);
  });

  test.each([
    ['postgres://u:hunter2@host', /expected memory:, redis:\/\//],
    ['hunter2', /expected memory:, redis:\/\//],
    ['redis:', /expected memory:, redis:\/\//],
    ['redis://', /expected host/],
    ['redis://:hunter2/x@host', /expected host/],
    ['redis://:hunter2?@host', /expected no \?/],
    ['redis://:hunter2#@host', /expected no \?/],
    ['redis://u:hunter2%@host', /percent-encoded password/],
    ['redis://u@host', /expected a password/],
    ['redis://u:hunter2@host:0', /expected host/],
    ['redis://u:hunter2@host:65536', /expected host/],
    ['redis://u:hunter2@host/hunter2', /number of a database/],
    ['redis://u:hunter2@host,other', /expected one host/],
    ['redis://u:hunter2@::1', /expected host/],
    ['redis+cluster://u:hunter2@a,b/1', /no databases/],
    ['redis+cluster://u:hunter2@a,,b', /expected host/],
    ['redis+sentinel://u:hunter2@a,b', /master's name/],
    ['redis+sentinel://u:hunter2@a/m/0/hunter2', /master's name/],
    ['redis+tls://u:hunter2@a', /expected memory:, redis:\/\//],
  ])('%s is refused with a message that says what was expected and contains no password', (url, expected) => {
    expect(() => parseStoreUrl(url)).toThrow(TypeError);
    expect(() => parseStoreUrl(url)).toThrow(expected);
    expect(() => parseStoreUrl(url)).not.toThrow(/hunter2/);
  });
});
