/** Payload of an authorization server record: JSON, as oidc-provider passes it to its adapter. */
export type RecordPayload = { [name: string]: unknown };

/**
 * Owner of records: the client that they were issued to, or the user that they are about. A client and a user with the same name are
 * different owners.
 */
export type RecordOwner = { readonly client: string } | { readonly user: string };

/**
 * The records of one kind (`AccessToken`, `Session`, …): the storage half of oidc-provider's Adapter.
 *
 * An `id` is the credential that the client holds (a token, a code, a session cookie). It is never stored: keys are token keys, and
 * values are sealed under a key derived from the id and the servers' secret. A record can therefore be read only with the id, and
 * made only by a server. A record that does not open is not found: an attacker wrote or moved it, or the secret has changed.
 */
export interface Records {
  /**
   * Writes a record, and the split entry with it when `payload.signingInput` is present: both or neither.
   *
   * @param expiresIn seconds from now after which the record is not found. If 0 or less, nothing is written.
   * @param requestedAt start of the request that causes this write, in epoch milliseconds. The write fails if the grant or an
   *   owner was revoked after it: a token request that runs during a logout must not leave a live token behind.
   * @throws {StoreUnavailableError} the write was not acknowledged
   * @throws {GrantRevokedError} the grant that the record belongs to, or one of its owners, was revoked meanwhile; nothing is
   *   written. The grant is `payload.grantId`, or `payload.subjectGrantId` for a token that was exchanged for one under another
   *   client's grant. The owners are `payload.clientId`, and `payload.subjectClientId` or else `payload.accountId`
   */
  upsert(id: string, payload: RecordPayload, expiresIn: number, requestedAt?: number): Promise<void>;
  /**
   * Like `upsert`, for a record that anyone can create, such as an unfinished sign-in. The records of a kind have a limit
   * (`anonymous`), past which the newest replaces the oldest. `upsert` and `advance` turn such a record into a normal one.
   *
   * @throws the errors of `upsert`
   */
  upsertAnonymous(id: string, payload: RecordPayload, expiresIn: number, requestedAt?: number): Promise<void>;
  /**
   * Writes a record that reaches a step, such as a user's decision. Steps only go up. Of several concurrent calls for one step
   * exactly one returns `true`; the others, and calls for a record that does not exist, write nothing and return `false`.
   *
   * @param step 1 or more; a new record is at step 0
   * @throws the errors of `upsert`
   */
  advance(id: string, payload: RecordPayload, expiresIn: number, step: number, requestedAt?: number): Promise<boolean>;
  find(id: string): Promise<RecordPayload | undefined>;
  /** Whether a record exists, for a caller that knows only the token key of its id. */
  has(tokenKey: string): Promise<boolean>;
  /** Finds a session by its `uid`. The payload comes without the session's id. */
  findByUid(uid: string): Promise<RecordPayload | undefined>;
  /** Finds a device code by its user code. The payload comes without the device code. */
  findByUserCode(userCode: string): Promise<RecordPayload | undefined>;
  /**
   * Marks a record as used, once: of several concurrent calls exactly one returns `true`.
   * A consumed record is still found, with `consumed` in epoch seconds.
   */
  consume(id: string): Promise<boolean>;
  /**
   * Deletes the record and its split entry and publishes the revocation, atomically. Concurrent requests do not bring a destroyed
   * session back: their `upsert` throws GrantRevokedError.
   */
  destroy(id: string): Promise<void>;
  /** Destroys every record of this kind that was issued under the grant, and refuses those of concurrent requests. */
  revokeByGrantId(grantId: string): Promise<void>;
}

/** Writes that are collected and committed atomically. They are not visible before the commit. */
export interface UnitOfWork {
  /** Collects writes. `consume` returns `true`; the commit fails if the record was consumed. */
  records(kind: string): Pick<Records, 'upsert' | 'consume'>;
  /**
   * @throws {AlreadyConsumedError} another request has consumed a record; nothing is written
   * @throws {GrantRevokedError} a grant was revoked meanwhile; nothing is written
   * @throws {StoreUnavailableError} the write was not acknowledged
   */
  commit(): Promise<void>;
}

/** The signing inputs of split tokens, found by the signature that the client holds. */
export interface SplitEntries {
  /**
   * @param signature BASE64URL, the client-held token
   * @returns the signing input (RFC 7515 section 2), or undefined if there is none that the signature opens
   * @throws {StoreUnavailableError}
   */
  find(signature: string): Promise<string | undefined>;
  /** Whether the store may have evicted entries, so that a missing entry does not prove that the token is invalid. */
  mayLack(): boolean;
}

/**
 * Introspection answers that gateways share. Each answer is sealed under the client-held token, so that the store reveals neither the
 * token nor the answer.
 */
export interface SharedAnswers {
  /**
   * @returns undefined if there is no answer that the token opens
   * @throws {StoreUnavailableError}
   */
  find(token: string): Promise<string | undefined>;
  /**
   * Stores an answer while the token's record exists. It is deleted with the record, and cannot be written after that.
   *
   * @param expiresIn whole seconds from now, at most the remaining life of the token
   * @returns whether the token has a record
   * @throws {StoreUnavailableError}
   */
  put(token: string, value: string, expiresIn: number): Promise<boolean>;
}

/**
 * Values that processes with the same secret share for a limited time, such as the result of a token refresh. Only the hash of a name
 * is stored. A value is sealed under its name and the secret.
 */
export interface SharedValues {
  /**
   * @returns undefined if there is no value that the name and the secret open
   * @throws {StoreUnavailableError}
   */
  find(name: string): Promise<string | undefined>;
  /**
   * Writes a value, replacing an earlier one.
   *
   * @param expiresIn whole seconds from now, at least 1
   * @throws {StoreUnavailableError} it is not known whether the value was written
   */
  put(name: string, value: string, expiresIn: number): Promise<void>;
  /**
   * Writes a value if there is none. Of several concurrent calls exactly one succeeds.
   *
   * @param expiresIn whole seconds from now, at least 1
   * @returns whether it was written
   * @throws {StoreUnavailableError} it is not known whether the value was written
   */
  putIfAbsent(name: string, value: string, expiresIn: number): Promise<boolean>;
  /** @throws {StoreUnavailableError} it is not known whether the value was removed */
  remove(name: string): Promise<void>;
}

/** Receives the token key of every access token as soon as it is revoked. */
export interface RevocationListener {
  /** @param tokenKey BASE64URL(SHA-256(access token)) */
  revoked(tokenKey: string): void;
  /** The feed is connected. Anything cached before may be stale. */
  connected(): void;
  /** The feed is disconnected. Revocations may be missed until `connected`. */
  disconnected(): void;
  /** `changeKept` changed a value in this partition. @param name name of the value */
  keptChanged?(name: string): void;
  /** The connection was checked. @param milliseconds the time that it took, and the upper bound for the delay of a revocation */
  checked?(milliseconds: number): void;
}

export interface TokenStore {
  /**
   * The records of one kind.
   *
   * @param kind oidc-provider's model name
   * @param secret secret of all authorization servers on this store; gateways need neither records nor the secret
   */
  records(kind: string, secret: string): Records;
  /**
   * Destroys every record of an owner, of every kind, and publishes the revocation of the access tokens among them. Writes of
   * concurrent requests fail. Later writes succeed unless the owner is revoked permanently.
   *
   * @param options.permanently the name is never used again, as with a client whose id the server generated
   * @throws {StoreUnavailableError} some records may be left; another call destroys the rest
   */
  revokeOwner(owner: RecordOwner, options?: { readonly permanently?: boolean }): Promise<void>;
  /**
   * Whether `revokeOwner` revoked one of these owners after a token was issued to them. For tokens that have no record. Survives
   * `clear`.
   *
   * @param issuedAt epoch milliseconds
   * @throws {StoreUnavailableError}
   */
  isRevokedSince(owners: readonly RecordOwner[], issuedAt: number): Promise<boolean>;
  /** Begins a unit of work for one request. @param secret as for `records` */
  begin(secret: string): UnitOfWork;
  readonly splitEntries: SplitEntries;
  readonly sharedAnswers: SharedAnswers;
  /** @param secret secret of all processes that share the values */
  sharedValues(secret: string): SharedValues;
  /**
   * Subscribes to the revocation feed. `connected` is called when it is up.
   *
   * @returns a function that ends the subscription
   */
  subscribe(listener: RevocationListener): () => void;
  /**
   * Keeps a permanent value that every process on this store shares, such as the signing keys. The first value written stays. It is
   * sealed, so that it is useless to anyone who steals the store.
   *
   * @param secret secret of all processes on this store
   * @returns the value that is now kept, the caller's or an earlier one
   * @throws {StoreUnavailableError}
   * @throws {WrongSecretError} an earlier value is sealed under another secret
   */
  keepFirst(name: string, value: string, secret: string): Promise<string>;
  /**
   * Changes a kept value and publishes the change in the same write. If another process changes it at the same time, `change` is
   * called again with the new value.
   *
   * @returns the value that is now kept
   * @throws {StoreUnavailableError}
   * @throws {WrongSecretError} the value is sealed under another secret, or does not exist
   */
  changeKept(name: string, secret: string, change: (value: string) => string): Promise<string>;
  /**
   * @returns the kept value, if there is one
   * @throws {StoreUnavailableError}
   * @throws {WrongSecretError} the value is sealed under another secret
   */
  readKept(name: string, secret: string): Promise<string | undefined>;
  /** A partition of the store: its entries are not found in another one. It is closed with the store. @throws {TypeError} the name is empty or has a colon */
  partition(name: string): TokenStore;
  /**
   * Deletes every entry, partitions included, except kept values and the times at which owners were revoked. Entries of other
   * installations stay, even if their prefix starts with this one. Listeners get `connected` again, because their caches are stale.
   *
   * @throws {StoreUnavailableError}
   */
  clear(): Promise<void>;
  /**
   * Adds a value to a list that every process on this store shares, such as the requests that wait for a user's approval. Values are
   * sealed.
   *
   * @param expiresIn seconds from now after which the value leaves the list
   * @param secret secret of all processes on this store
   * @throws {StoreUnavailableError}
   */
  addToList(name: string, value: string, expiresIn: number, secret: string): Promise<void>;
  /** @returns the values of the list that have not expired, in no particular order. @throws {StoreUnavailableError} */
  list(name: string, secret: string): Promise<string[]>;
  /**
   * Uses a name once. Of all calls on this store exactly one returns `true`, until the name expires.
   *
   * @param name only its hash is stored
   * @param expiresIn whole seconds from now, at least 1
   * @throws {StoreUnavailableError} it is not known whether the name was used
   */
  useOnce(name: string, expiresIn: number): Promise<boolean>;
  /**
   * Resolves if the store answers, has the configured database, and grants the rights that this process needs.
   *
   * @throws {StoreUnavailableError} with the `reason`
   */
  ping(): Promise<void>;
  /** Problems that an operator should know although the store can be used. They name no address, user or password. */
  warnings(): readonly string[];
  close(): Promise<void>;
}

/** Name of the kept value with the signing keys. Gateways are notified of its changes. */
export const SIGNING_KEYS = 'signing-keys';
