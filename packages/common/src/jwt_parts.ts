/** The third part of a JWT (RFC 7515 section 7.1): for a `split` token what the client holds, and what its DPoP proof is about. */
export function signatureOf(jwt: string): string {
  return jwt.slice(jwt.lastIndexOf('.') + 1);
}

/** A JWT without its signature (RFC 7515 section 2). */
export function signingInputOf(jwt: string): string {
  return jwt.slice(0, jwt.lastIndexOf('.'));
}
