import { expect, test } from '@jest/globals';
import { html, textOfHtml, unescapeHtml } from './html.ts';

test.each(['<a href="x">Tom & Jerry\'s</a>', '&amp;', '&#38;lt;', 'ü – 😀'])(
  'escapes %s so that it can be read back',
  (text) => {
    expect(unescapeHtml(html`${text}`.markup)).toBe(text);
  },
);

test.each([
  ['&#39;&#x27;&apos;', "'''"],
  ['&#x1F600;', '😀'],
  ['&amp;lt;', '&lt;'],
  ['&#1114112;&#9999999;&nbsp;&#;&', '&#1114112;&#9999999;&nbsp;&#;&'],
])('decodes %s as %s', (text, decoded) => {
  expect(unescapeHtml(text)).toBe(decoded);
});

test('the text of a page has no tags and no styles', () => {
  expect(textOfHtml('<style>a { }</style><h1>One</h1>\n<p>Two &#38; <b>three</b></p>')).toBe('One Two & three');
});
