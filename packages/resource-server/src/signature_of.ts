/** The third part of a JWT (RFC 7515 section 7.1): for a `split` token what the client holds, and its DPoP proof is about. */
export function signatureOf(jwt: string): string {
  return jwt.slice(jwt.lastIndexOf('.') + 1);
}
