import type { Backend } from './backend.ts';
import type { SharedAnswers } from './contract.ts';
import { seal, unseal } from './seal.ts';
import { tokenKey } from './token_key.ts';

/** The kinds of record whose id a gateway may have cached under its token key. */
export const ACCESS_TOKENS = ['AccessToken', 'ClientCredentials'] as const;

/** @param hashedId token key of the access token */
export function answerKey(hashedId: string): string {
  return `{${hashedId}}:answer`;
}

/** @param hashedId token key of what the client holds */
export function recordKey(kind: string, hashedId: string): string {
  return `{${hashedId}}:${kind}`;
}

/** Answers about access tokens over any backend. Revocation deletes them together with the record: see `token_store.ts`. */
export function createSharedAnswers(backend: Backend): SharedAnswers {
  return {
    async find(token) {
      const key = answerKey(tokenKey(token));
      const sealed = await backend.get(key);
      return sealed === undefined ? undefined : unseal(token, key, sealed);
    },
    async put(token, value, expiresIn) {
      const hashedId = tokenKey(token);
      const key = answerKey(hashedId);
      const write = { do: 'put', key, value: seal(token, key, value), expiresIn } as const;
      for (const kind of ACCESS_TOKENS) {
        // The record is gone for good once it is destroyed, so no answer from before can be written after that.
        const failed = await backend.write([write], [{ if: 'exists', key: recordKey(kind, hashedId) }]);
        if (failed === undefined) return true;
      }
      return false;
    },
  };
}
