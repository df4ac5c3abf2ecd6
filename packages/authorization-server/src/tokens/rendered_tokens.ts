import { type TokenStore, tokenKey } from '@tallystick/token-store';
import { mapStoreErrors } from '../storage/store_errors.ts';
import type { AccessTokenRecord, AccessTokenStyles } from './access_token_styles.ts';

/** The reference token behind a rendered JWT. */
export interface RenderedToken {
  /** The grant under which the token was issued. */
  readonly issuedUnder?: string;
}

const KIND = 'RenderedToken';

/**
 * Records the reference token of each rendered JWT under the `jti` of the JWT. The API can introspect or exchange the JWT, which
 * itself does not show whether its reference token has been revoked. Nothing in the JWT reveals the reference token.
 */
export function recordRenderedTokens(
  styles: AccessTokenStyles,
  { store, secret, now }: { readonly store: TokenStore; readonly secret: string; readonly now: () => number },
): AccessTokenStyles {
  async function record(token: AccessTokenRecord & { kind?: string; grantId?: string }) {
    const { jwtId, jti, kind, exp = 0, grantId = token.subjectGrantId } = token;
    // A token without a `jti` was not issued: it becomes a test token with a defect.
    if (jwtId === undefined || jti === undefined || styles.apiOf(token) === undefined) return;
    const note = { tokenKey: tokenKey(jti), tokenKind: kind, ...(grantId && { issuedUnder: grantId }) };
    await mapStoreErrors(store.records(KIND, secret).upsert(jwtId, note, exp - Math.floor(now() / 1000)));
  }

  return {
    ...styles,
    async renderJwt(token) {
      await record(token);
      return styles.renderJwt(token);
    },
  };
}

/** Finds the reference token of a rendered JWT. @returns undefined if it is unknown or no longer in the store */
export async function findRenderedToken(
  jwtId: unknown,
  { store, secret }: { store: TokenStore; secret: string },
): Promise<RenderedToken | undefined> {
  if (typeof jwtId !== 'string') return undefined;
  const note = await mapStoreErrors(store.records(KIND, secret).find(jwtId));
  if (note === undefined) return undefined;
  const { tokenKey: key, tokenKind: kind, issuedUnder } = note as { [name: string]: string };
  const isThere = await mapStoreErrors(store.records(String(kind), secret).has(String(key)));
  if (!isThere) return undefined;
  return issuedUnder === undefined ? {} : { issuedUnder };
}
