/** First segments of the paths of an issuer's endpoints and pages. No tenant can have one of these names. */
export const OWN_SEGMENTS: readonly string[] = [
  '.well-known',
  'auth',
  'token',
  'me',
  'session',
  'jwks',
  'interaction',
  'request',
  'reg',
  'device',
  'backchannel',
  'ciba',
  'permissive',
  'healthz',
  'readyz',
];
