/** A sign-in did not give the client a token. */
export class SignInError extends Error {
  override name = 'SignInError';
  /** The error that the client gets (RFC 6749 sections 4.1.2.1 and 5.2), such as `access_denied`. */
  readonly code: string;

  constructor(code: string, description: string) {
    super(`${code}: ${description}`);
    this.code = code;
  }
}
