/** What an authorization server record holds: JSON, as oidc-provider hands it to its adapter. */
export type RecordPayload = { [name: string]: unknown };

/**
 * The records of one kind (`AccessToken`, `Session`, …): the storage half of oidc-provider's Adapter.
 *
 * An `id` is what the client holds (a token, a code, a session cookie). It is never written anywhere: keys are token
 * keys and every value is sealed under a key derived from the id, so that only who presents the id can read the record.
 */
export interface Records {
  /**
   * Writes a record, and the split entry with it when `payload.signingInput` is present: both or neither.
   *
   * @param expiresIn seconds from now; the record cannot be found after that. 0 or less: it is not written at all.
   * @param requestedAt when the request that leads to this write began, in epoch milliseconds. A grant revoked since
   *   then makes the write fail: a token request that a logout overtakes must not leave a live token behind.
   * @throws {StoreUnavailableError} the write was not acknowledged
   * @throws {GrantRevokedError} the grant that `payload.grantId` names was revoked meanwhile; nothing is left behind
   */
  upsert(id: string, payload: RecordPayload, expiresIn: number, requestedAt?: number): Promise<void>;
  find(id: string): Promise<RecordPayload | undefined>;
  /** Finds a session by its `uid`. The payload comes without the session's id. */
  findByUid(uid: string): Promise<RecordPayload | undefined>;
  /** Finds a device code by its user code. The payload comes without the device code. */
  findByUserCode(userCode: string): Promise<RecordPayload | undefined>;
  /**
   * Marks a record as used, once: of many concurrent calls exactly one answers `true`.
   * A consumed record is still found, with `consumed` in epoch seconds.
   */
  consume(id: string): Promise<boolean>;
  /** Deletes the record and its split entry and publishes the revocation: all of it or nothing. */
  destroy(id: string): Promise<void>;
  /** Destroys every record of this kind that was issued under the grant, and those whose request is under way. */
  revokeByGrantId(grantId: string): Promise<void>;
}

/** The signing inputs of split tokens, looked up with what the client holds: the signature. */
export interface SplitEntries {
  /**
   * @param signature BASE64URL, the client-held token
   * @returns the signing input (RFC 7515 section 2), or undefined when there is none, or none that the signature opens
   * @throws {StoreUnavailableError}
   */
  find(signature: string): Promise<string | undefined>;
}

/** Hears of every revoked access token, by its token key, as soon as it is revoked. */
export interface RevocationListener {
  /** @param tokenKey BASE64URL(SHA-256(access token)) */
  revoked(tokenKey: string): void;
  /** Revocations are heard from now on. What was cached before may be stale. */
  connected(): void;
  /** Revocations may be missed from now on, until `connected`. */
  disconnected(): void;
}

export interface TokenStore {
  /** The records of one kind, by oidc-provider's model name. */
  records(kind: string): Records;
  readonly splitEntries: SplitEntries;
  /**
   * Starts listening to the revocation feed; `connected` follows when it is up.
   *
   * @returns stops listening
   */
  subscribe(listener: RevocationListener): () => void;
  /**
   * Keeps a value that every process on this store shares, such as the signing keys: the first one written stays. It
   * is sealed, so that it is of no use to whoever steals the store.
   *
   * @param secret what every process on this store knows
   * @returns the value that is now kept, the caller's or an earlier one
   * @throws {StoreUnavailableError}
   * @throws {WrongSecretError} an earlier value was kept under another secret
   */
  keepFirst(name: string, value: string, secret: string): Promise<string>;
  /**
   * Deletes every entry but what `keepFirst` keeps. Listeners to the revocation feed hear `connected` again:
   * what was cached before is stale.
   *
   * @throws {StoreUnavailableError}
   */
  clear(): Promise<void>;
  /** Resolves when the store answers. @throws {StoreUnavailableError} */
  ping(): Promise<void>;
  close(): Promise<void>;
}
