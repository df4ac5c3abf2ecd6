import { expect, test } from '@jest/globals';
import { CONTENT_SECURITY_POLICY } from './layout.ts';
import { type ServerPage, serverPageAnswer } from './server_page.ts';

const page: ServerPage = {
  name: 'Sample API',
  description: 'It shows <what> it got.',
  sections: {
    endpoints: [
      { name: 'health', url: '/healthz' },
      { name: 'documentation', text: 'how to', url: 'https://docs.example.com/?a&b' },
      { name: '<script>', text: '"quoted"' },
    ],
    nothing: [],
  },
};

const askedBy = (accept?: string) => serverPageAnswer(page, { headers: accept === undefined ? {} : { accept } });

test.each(['*/*', 'application/json', undefined])('programs (Accept: %s) get JSON', (accept) => {
  const { status, headers, body } = askedBy(accept);
  expect([status, headers['Content-Type'], headers.Vary]).toEqual([200, 'application/json', 'Accept']);
  expect(JSON.parse(body)).toEqual({
    name: 'Tallystick: Sample API',
    description: 'It shows <what> it got.',
    sections: page.sections,
  });
});

test('browsers get a page without scripts, in which every value is escaped', () => {
  const { headers, body } = askedBy('text/html,application/xhtml+xml,*/*;q=0.8');
  expect(headers['Content-Type']).toBe('text/html; charset=utf-8');
  expect(headers['Content-Security-Policy']).toBe(CONTENT_SECURITY_POLICY);
  expect(body).toContain('<a href="/healthz">/healthz</a>');
  expect(body).toContain('<a href="https://docs.example.com/?a&#38;b">how to</a>');
  expect(body).toContain('<dt>&#60;script&#62;</dt><dd>&#34;quoted&#34;</dd>');
  expect(body).not.toContain('<script');
  expect(body).not.toContain('<h2>nothing</h2>');
});
