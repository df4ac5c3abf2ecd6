import { design, type Requirements, rfc } from './source.ts';

/** What the gateway must do under attack, under load, and during revocations. */
export const gatewayUnderAttack = {
  'malformed-requests': {
    sentence:
      'for a malformed or ambiguous request the API gets one well-formed request or none, without the client-held token and without an identity that the client invented',
    link: rfc(9112, '11.2'),
  },
  'malformed-requests-soak': {
    sentence: 'ten thousand malformed requests leave no memory, no connection and no exception behind in the gateway',
    link: `${design}#the-gateway`,
  },
  'streams-in-constant-memory': {
    sentence: 'a body of one gigabyte passes through the gateway in constant memory, at the pace of a slow reader',
    link: `${design}#the-gateway`,
  },
  'streams-outlast-silence': {
    sentence: 'an event stream and a WebSocket survive ten minutes without data',
    link: 'https://html.spec.whatwg.org/multipage/server-sent-events.html',
  },
  'answers-of-every-kind': {
    sentence: 'HEAD, 204, 304, interim responses and WebSockets pass the gateway unchanged; trailers do not pass',
    link: rfc(9110, '15'),
  },
  'revocation-under-load': {
    sentence:
      'under load four gateways get a revocation at once, and none accepts a token that was revoked before the request was sent',
    link: rfc(7009, '2'),
  },
  'revocation-unheard': {
    sentence: 'a revocation also holds at a gateway that missed it because the feed was cut or stalled',
    link: `${design}#the-gateway`,
  },
  'revocation-in-flight': {
    sentence:
      'an introspection in flight when the token is revoked lets no request through and leaves nothing in the cache',
    link: `${design}#the-gateway`,
  },
  'identity-headers-configured': {
    sentence: 'the headers that tell an API its caller can be configured, and a client cannot send them',
    link: `${design}#the-gateway`,
  },
} as const satisfies Requirements;
