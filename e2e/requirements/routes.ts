import { design, type Requirements, rfc } from './source.ts';

const fetchStandard = 'https://fetch.spec.whatwg.org/#http-cors-protocol';

/** What the gateway must do with its routes. */
export const routes = {
  'route-by-host': {
    sentence: "the request's Host selects the route before the path does, and no other header does",
    link: rfc(9110, '7.2'),
  },
  'any-of-scopes': {
    sentence:
      'where one of several scopes is enough, gateway and API accept a token with any of them, and name all of them when they refuse',
    link: rfc(6750, '3.1'),
  },
  'tokens-of-another-issuer': {
    sentence: 'tokens of another authorization server work at the routes that name it, and at no others',
    link: rfc(9068, '4'),
  },
  'public-route': {
    sentence: 'a public route needs no token, forwards none, and opens no other route',
    link: `${design}#routes`,
  },
  'path-rewrite': {
    sentence: "an API gets its path without the route's prefix, otherwise byte for byte, and learns the prefix",
    link: `${design}#routes`,
  },
  'cors-preflight': {
    sentence:
      'a preflight request is answered by policy and never reaches an API, and a page can read why a request is refused',
    link: fetchStandard,
  },
  'limited-bodies': {
    sentence: 'a request body that is too large gets 413, with or without a Content-Length',
    link: rfc(9110, '15.5.14'),
  },
  'upstream-fails': {
    sentence: 'calls succeed while one of several upstreams is down, and it gets its share again once it is back',
    link: `${design}#routes`,
  },
} as const satisfies Requirements;
