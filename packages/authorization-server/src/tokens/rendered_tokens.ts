import { type TokenStore, tokenKey } from '@tallystick/token-store';
import { mapStoreErrors } from '../storage/store_errors.ts';
import type { AccessTokenRecord, AccessTokenStyles } from './access_token_styles.ts';

/** The reference token that a JWT was rendered from. */
export interface RenderedToken {
  /** The grant that it was issued under. */
  readonly issuedUnder?: string;
}

const KIND = 'RenderedToken';

/**
 * Notes of each JWT that a reference token is rendered as which token that was. The API that gets the JWT may ask about it or
 * exchange it, and the JWT alone does not show whether its token was revoked since. Nothing in the JWT leads to the token.
 */
export function recordRenderedTokens(
  styles: AccessTokenStyles,
  { store, secret, now }: { readonly store: TokenStore; readonly secret: string; readonly now: () => number },
): AccessTokenStyles {
  async function remember(token: AccessTokenRecord & { kind?: string; grantId?: string }) {
    const { jwtId, jti, kind, exp = 0, grantId = token.subjectGrantId } = token;
    // A token without an id was not issued: it is one that a test asked for, to be broken.
    if (jwtId === undefined || jti === undefined || styles.apiOf(token) === undefined) return;
    const note = { tokenKey: tokenKey(jti), tokenKind: kind, ...(grantId && { issuedUnder: grantId }) };
    await mapStoreErrors(store.records(KIND, secret).upsert(jwtId, note, exp - Math.floor(now() / 1000)));
  }

  return {
    ...styles,
    async renderJwt(token) {
      await remember(token);
      return styles.renderJwt(token);
    },
  };
}

/** Finds the token that a JWT was rendered from. @returns undefined when it is not known, or not there any more */
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
