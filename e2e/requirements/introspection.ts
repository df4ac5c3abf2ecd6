import { design, type Requirements, rfc } from './source.ts';

/** How the gateway asks authorization servers, and what it makes of their answers. */
export const introspection = {
  'introspection-client': {
    sentence: 'the gateway authenticates at the introspection endpoint with a secret, an assertion or a certificate',
    link: rfc(7662, '2.1'),
  },
  'signed-introspection': {
    sentence:
      'where the authorization server signs its introspection answers, the API gets a JWT that the gateway makes',
    link: rfc(9701, '5'),
  },
  'introspection-agrees': {
    sentence: 'introspection as JSON and the JWT of a token agree on every claim that both have',
    link: rfc(7662, '2.2'),
  },
  'foreign-jwts': {
    sentence:
      'JWTs that are not as RFC 9068 has them (typ, aud, scp, azp, algorithm) pass where that is configured, and only there',
    link: rfc(9068, '4'),
  },
  'any-introspection-server': {
    sentence:
      'an authorization server that is not ours and answers with JSON can stand behind the gateway; the API verifies with the keys of the gateway',
    link: rfc(7662, '2.2'),
  },
  'introspection-of-jwts': {
    sentence:
      'a JWT access token can be asked about like any other token: it is active while it is good and its client and user are there, and inactive otherwise',
    link: rfc(7662, '2.2'),
  },
  'introspection-for-an-api': {
    sentence: 'a client that introspects for some APIs is told that the tokens of others are not active',
    link: rfc(9701, '5'),
  },
  'one-introspection': {
    sentence: '1,000 concurrent first calls with one phantom token make one introspection',
    link: `${design}#the-gateway`,
  },
  'shared-cache': {
    sentence:
      'what one gateway found out about a phantom token needs no introspection at another, where that is configured',
    link: `${design}#the-gateway`,
  },
  'shared-cache-sealed': {
    sentence: 'of what gateways share, the store can read neither the token nor a claim',
    link: `${design}#the-store`,
  },
  'shared-cache-revoked': {
    sentence: 'a revoked token is gone from what gateways share, and none that races with its revocation comes back',
    link: `${design}#the-store`,
  },
} as const satisfies Requirements;
