import type { Credentials } from '../authorize/credentials.ts';

/** `opaque`: the API gets the reference and introspects it itself. The gateway knows nothing about it. */
export function passReference({ token }: Credentials) {
  return { accessToken: token, claims: undefined };
}
