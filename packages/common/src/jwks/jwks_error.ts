/** Why there is no key for a JWT. */
export class JwksError extends Error {
  override readonly name = 'JwksError';
  /**
   * - `unavailable`: the keys could not be had, or one of them cannot be used. That says nothing about the JWT.
   * - `unknown_key`: the issuer has no such key.
   * - `unknown_algorithm`: no key can have the algorithm that the JWT names.
   */
  readonly code: 'unavailable' | 'unknown_key' | 'unknown_algorithm';

  /** @param message contains nothing that was received */
  constructor(code: JwksError['code'], message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
