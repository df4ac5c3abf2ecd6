import type { Backend } from './backend.ts';
import type { SharedAnswers } from './contract.ts';
import { seal, unseal } from './seal.ts';
import { tokenKey } from './token_key.ts';

/** Kinds of record that are access tokens, which gateways cache under their token keys. */
export const ACCESS_TOKENS = ['AccessToken', 'ClientCredentials'] as const;

/** @param hashedId token key of the access token */
export function answerKey(hashedId: string): string {
  return `{${hashedId}}:answer`;
}

/** @param hashedId token key of the record's id */
export function recordKey(kind: string, hashedId: string): string {
  return `{${hashedId}}:${kind}`;
}

/** Shared introspection answers over any backend. Revocation deletes an answer together with the record: see `revocation.ts`. */
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
      const write = { type: 'put', key, value: seal(token, key, value), expiresIn } as const;
      for (const kind of ACCESS_TOKENS) {
        // A destroyed record does not come back, so no answer can be written after a revocation.
        const failed = await backend.write([write], [{ type: 'exists', key: recordKey(kind, hashedId) }]);
        if (failed === undefined) return true;
      }
      return false;
    },
  };
}
