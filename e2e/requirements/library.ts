import { design, type Requirements } from './source.ts';

/** What a test can do with the object that `startTallystick` returns. */
export const library = {
  'library-calls': {
    sentence: 'a call through the gateway as any user reaches the API with the token of its style',
    link: `${design}#the-library`,
  },
  'library-tokens': {
    sentence: 'a token has all its forms, and is a string where one is expected',
    link: `${design}#the-library`,
  },
  'library-revokes': {
    sentence: 'a revoked token is refused at once, and the revocation of a JWT says what cannot be done',
    link: `${design}#the-library`,
  },
  'library-expires': { sentence: 'an expired token is refused, whoever holds it', link: `${design}#the-library` },
  'library-rotates': {
    sentence: 'the next token after a rotation is signed with the new key, and earlier tokens still work',
    link: `${design}#the-library`,
  },
  'library-signs-in': {
    sentence: 'a user signs in without a browser, and the test gets what the client gets',
    link: `${design}#the-library`,
  },
  'library-explains': {
    sentence: 'a misuse of the library gets a typed error that says what was given and what is known',
    link: `${design}#the-library`,
  },
  'library-upstreams': {
    sentence: 'an application in the process of the test can be the API behind the gateway, without a port',
    link: `${design}#the-library`,
  },
  'library-routes': {
    sentence:
      'routes of the gateway are added, replaced and removed at run time, and a reset restores the configured ones',
    link: `${design}#the-library`,
  },
  'library-tenants': {
    sentence: 'a tenant has routes of its own at the gateway, and its tokens are of no use at others',
    link: `${design}#tenants`,
  },
  'library-faults': {
    sentence: 'a test makes the gateway, an upstream, the store or the revocation feed fail, and then all recovers',
    link: `${design}#faults`,
  },
  'library-records': {
    sentence:
      'a test reads what the gateway was asked and what each upstream received, without secrets unless it asks for them',
    link: `${design}#recorded-requests`,
  },
  'library-hooks': {
    sentence:
      'a function of the test changes the claims and the header of tokens and the answers of endpoints, and decides on sign-ins',
    link: `${design}#the-library`,
  },
  'library-parallel': {
    sentence: 'fifty test files in parallel, each with an instance and a tenant of its own, never meet',
    link: `${design}#tenants`,
  },
  'library-stops': {
    sentence: 'an instance stops at the end of its scope, and leaves nothing behind',
    link: `${design}#the-library`,
  },
} as const satisfies Requirements;
