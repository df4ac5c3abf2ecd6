export type {
  RecordOwner,
  RecordPayload,
  Records,
  RevocationListener,
  SharedAnswers,
  SharedValues,
  SplitEntries,
  TokenStore,
  UnitOfWork,
} from './contract.ts';
export { SIGNING_KEYS } from './contract.ts';
export {
  AlreadyConsumedError,
  GrantRevokedError,
  StoreUnavailableError,
  TokenStoreError,
  WrongSecretError,
} from './errors.ts';
export { openTokenStore, type StoreDependencies } from './open_token_store.ts';
export type { StoreLog } from './redis/health.ts';
export type { StoreUse } from './redis/rights.ts';
export { parseStoreUrl, type StoreLocation } from './store_url.ts';
export { tokenKey } from './token_key.ts';
