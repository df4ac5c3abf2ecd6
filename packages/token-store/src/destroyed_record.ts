import type { Write } from './backend.ts';
import { ACCESS_TOKENS, answerKey, recordKey } from './shared_answers.ts';
import { splitEntryKey } from './split_entries.ts';

/** Kinds of record that requests read and write again as they change: one that was destroyed in between must not come back. */
export const WRITTEN_AGAIN: ReadonlySet<string> = new Set(['Session']);

/** Where it is noted that a record was destroyed, for a write of it that is under way; in a Redis Cluster also that it was revoked. */
export function refusedKey(kind: string, hashedId: string): string {
  return `{${hashedId}}:${kind}:refused`;
}

/** What deletes a record and all that lies with it, and tells gateways when it is that of an access token. */
export function destroyedRecord(kind: string, hashedId: string): Write[] {
  const record: Write = { do: 'delete', key: recordKey(kind, hashedId) };
  if (!ACCESS_TOKENS.some((known) => known === kind)) return [record];
  const keys = [splitEntryKey(hashedId), answerKey(hashedId)];
  return [record, ...keys.map((key) => ({ do: 'delete', key }) as const), { do: 'publish', message: hashedId }];
}
