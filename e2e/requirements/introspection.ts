import { design, type Requirements, rfc } from './source.ts';

/** How the gateway must introspect tokens and treat the answers. */
export const introspection = {
  'introspection-client': {
    sentence: 'the gateway authenticates at the introspection endpoint with a secret, an assertion or a certificate',
    link: rfc(7662, '2.1'),
  },
  'signed-introspection': {
    sentence:
      'when the authorization server signs its introspection answers, the API gets a JWT that the gateway makes',
    link: rfc(9701, '5'),
  },
  'introspection-agrees': {
    sentence: 'introspection as JSON and the JWT of a token agree on every claim that both have',
    link: rfc(7662, '2.2'),
  },
  'foreign-jwts': {
    sentence:
      'JWTs that differ from RFC 9068 (typ, aud, scp, azp, algorithm) are accepted only where the configuration allows them',
    link: rfc(9068, '4'),
  },
  'any-introspection-server': {
    sentence:
      "any authorization server that answers introspection with JSON works behind the gateway, and the API verifies JWTs with the gateway's keys",
    link: rfc(7662, '2.2'),
  },
  'introspection-of-jwts': {
    sentence:
      'introspection of a JWT access token answers active while the token is valid and its client and user exist, and inactive otherwise',
    link: rfc(7662, '2.2'),
  },
  'introspection-for-an-api': {
    sentence: 'a client that introspects for some APIs gets inactive for the tokens of others',
    link: rfc(9701, '5'),
  },
  'one-introspection': {
    sentence: '1,000 concurrent first calls with one phantom token make one introspection',
    link: `${design}#the-gateway`,
  },
  'shared-cache': {
    sentence: 'with the shared cache, a phantom token that one gateway introspected needs no introspection at another',
    link: `${design}#the-gateway`,
  },
  'shared-cache-sealed': {
    sentence: 'the store can read neither the token nor a claim in the entries that gateways share',
    link: `${design}#the-store`,
  },
  'shared-cache-revoked': {
    sentence:
      'a revoked token disappears from the shared cache, and a lookup that races with the revocation does not bring it back',
    link: `${design}#the-store`,
  },
} as const satisfies Requirements;
