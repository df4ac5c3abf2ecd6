import { expect, test } from '@jest/globals';
import { parseUpstream } from './upstream.ts';

test('an upstream is an origin', () => {
  expect(parseUpstream('http://localhost:4200')).toEqual({
    protocol: 'http:',
    host: 'localhost:4200',
    hostname: 'localhost',
    port: 4200,
  });
  expect(parseUpstream('https://api.example.com')).toMatchObject({ host: 'api.example.com', port: 443 });
  expect(parseUpstream('http://[::1]:80')).toMatchObject({ host: '[::1]', hostname: '::1', port: 80 });
});
