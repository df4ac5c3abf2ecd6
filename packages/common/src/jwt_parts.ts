/** The signature of a JWT (RFC 7515 section 7.1). In the `split` style it is the client's token, and its DPoP proofs are about it. */
export function signatureOf(jwt: string): string {
  return jwt.slice(jwt.lastIndexOf('.') + 1);
}

/** A JWT without its signature (RFC 7515 section 2). */
export function signingInputOf(jwt: string): string {
  return jwt.slice(0, jwt.lastIndexOf('.'));
}
