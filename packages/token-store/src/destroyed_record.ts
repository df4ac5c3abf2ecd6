import type { Write } from './backend.ts';
import { ACCESS_TOKENS, answerKey, recordKey } from './shared_answers.ts';
import { splitEntryKey } from './split_entries.ts';

/** Where a Redis Cluster notes that a record was revoked, for a write of it that is under way. */
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
