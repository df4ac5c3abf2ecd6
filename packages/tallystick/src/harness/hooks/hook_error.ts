/** A function of a test failed, so nothing was issued. Its error is the `cause`. */
export class HookError extends Error {
  readonly code = 'server_error';
  override name = 'HookError';
}
