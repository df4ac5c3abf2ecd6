import { expect, test } from '@jest/globals';
import { showsServerPage } from './server_pages.ts';

test.each<[serverPages: boolean | undefined, issuer: string, host: string, shown: boolean]>([
  [undefined, 'http://localhost:4000', 'localhost', true],
  [undefined, 'http://127.0.0.1:4000/auth', '::1', true],
  [undefined, 'http://localhost:4000', '0.0.0.0', false],
  [undefined, 'https://login.example.com', '127.0.0.1', false],
  [true, 'https://login.example.com', '0.0.0.0', true],
  [false, 'http://localhost:4000', 'localhost', false],
])(
  'with serverPages %s, the issuer %s and the host %s, a server has a page: %s',
  (serverPages, issuer, host, shown) => {
    expect(showsServerPage({ serverPages, issuer }, host)).toBe(shown);
  },
);
