import { design, type Requirements, rfc } from './source.ts';

const fetchStandard = 'https://fetch.spec.whatwg.org/#http-cors-protocol';

/** What the gateway must do with the routes it is given. */
export const routes = {
  'route-by-host': {
    sentence: 'the Host that a client asks for decides on the route before the path does, and nothing else does',
    link: rfc(9110, '7.2'),
  },
  'any-of-scopes': {
    sentence:
      'where one scope of several is enough, gateway and API take a token with any, and name them all to others',
    link: rfc(6750, '3.1'),
  },
  'tokens-of-another-issuer': {
    sentence: 'tokens of another authorization server are good at the routes that name it, and at no others',
    link: rfc(9068, '4'),
  },
  'public-route': {
    sentence: 'a public route needs no token and passes none on, and opens no other route',
    link: `${design}#routes`,
  },
  'path-rewrite': {
    sentence: 'an API sees its path without the prefix of the route, the rest byte for byte, and learns of the prefix',
    link: `${design}#routes`,
  },
  'cors-preflight': {
    sentence: 'a preflight request is answered by policy and never reaches an API; a page can read why it is refused',
    link: fetchStandard,
  },
  'limited-bodies': {
    sentence: 'a request body that is too large is 413, whether it tells its length or not',
    link: rfc(9110, '15.5.14'),
  },
  'upstream-fails': {
    sentence: 'calls go on while one of several upstreams is down, and it gets its share again when it is back',
    link: `${design}#routes`,
  },
} as const satisfies Requirements;
