import { design, type Requirements, rfc } from './source.ts';

/** What the gateway must do whoever calls it, whatever passes through it, and while others revoke. */
export const gatewayUnderAttack = {
  'malformed-requests': {
    sentence:
      'of a malformed or ambiguous request the API sees one well-formed request or none, without the client-held token or an identity that the client made up',
    link: rfc(9112, '11.2'),
  },
  'malformed-requests-soak': {
    sentence:
      'ten thousand malformed requests leave nothing behind in the gateway: no memory, no connection, no exception',
    link: `${design}#the-gateway`,
  },
  'streams-in-constant-memory': {
    sentence: 'a body of a gigabyte goes through a gateway that does not grow, and waits for whoever reads it slowly',
    link: `${design}#the-gateway`,
  },
  'streams-outlast-silence': {
    sentence: 'an event stream and a WebSocket outlast ten minutes of silence',
    link: 'https://html.spec.whatwg.org/multipage/server-sent-events.html',
  },
  'answers-of-every-kind': {
    sentence: 'HEAD, 204, 304, interim responses and WebSockets pass the gateway as they are; trailers do not pass',
    link: rfc(9110, '15'),
  },
  'revocation-under-load': {
    sentence:
      'under load four gateways hear of a revocation at once, and none lets a token through that was revoked before the request was sent',
    link: rfc(7009, '2'),
  },
  'revocation-unheard': {
    sentence: 'a revocation that a gateway could not hear, as the feed was cut or stalled, holds there too',
    link: `${design}#the-gateway`,
  },
  'revocation-in-flight': {
    sentence:
      'an introspection that was under way when the token was revoked lets nobody through and leaves nothing in the cache',
    link: `${design}#the-gateway`,
  },
  'identity-headers-configured': {
    sentence: 'which headers would tell an API who calls can be configured; a client cannot send them',
    link: `${design}#the-gateway`,
  },
} as const satisfies Requirements;
