/** What an authorization server record holds: JSON, as oidc-provider hands it to its adapter. */
export type RecordPayload = { [name: string]: unknown };

/**
 * Whose records are: those of the client that they were issued to, or of the user that they are about. A client and a user of one
 * name are two owners.
 */
export type RecordOwner = { readonly client: string } | { readonly user: string };

/**
 * The records of one kind (`AccessToken`, `Session`, …): the storage half of oidc-provider's Adapter.
 *
 * An `id` is what the client holds (a token, a code, a session cookie). It is never written anywhere: keys are token
 * keys, and every value is sealed under a key derived from the id and the servers' secret. So a record can be read only with
 * the id, and made only by a server. A record that does not open, such as one that an attacker wrote, moved or made to
 * live longer, or one from before the secret changed, is not found.
 */
export interface Records {
  /**
   * Writes a record, and the split entry with it when `payload.signingInput` is present: both or neither.
   *
   * @param expiresIn seconds from now; the record cannot be found after that. 0 or less: it is not written at all.
   * @param requestedAt when the request that leads to this write began, in epoch milliseconds. A grant or an owner revoked
   *   since then makes the write fail: a token request that a logout overtakes must not leave a live token behind.
   * @throws {StoreUnavailableError} the write was not acknowledged
   * @throws {GrantRevokedError} the grant that the record belongs to, or one of its owners, was revoked meanwhile; nothing is
   *   left behind. The grant is `payload.grantId`, or `payload.subjectGrantId` for a token that came from one of another
   *   client's grant. The owners are `payload.clientId`, and `payload.subjectClientId` or else `payload.accountId`
   */
  upsert(id: string, payload: RecordPayload, expiresIn: number, requestedAt?: number): Promise<void>;
  /**
   * As `upsert`, for a record that anybody can create, such as the sign-in page of somebody who has not signed in. The records of
   * a kind have a budget (`anonymous`); past it, the newest takes the place of the oldest. Once such a record is written by
   * `upsert` or `advance` it is a record like any other.
   *
   * @throws what `upsert` throws
   */
  upsertAnonymous(id: string, payload: RecordPayload, expiresIn: number, requestedAt?: number): Promise<void>;
  /**
   * Writes a record that comes to a step of its life, such as the decision of a user: once, and steps only go up. Of many
   * concurrent calls for one step exactly one answers `true`; the others write nothing, as do calls for a record that is not there.
   *
   * @param step 1 or more; a record that was only written is at 0
   * @throws what `upsert` throws
   */
  advance(id: string, payload: RecordPayload, expiresIn: number, step: number, requestedAt?: number): Promise<boolean>;
  find(id: string): Promise<RecordPayload | undefined>;
  /** Whether a record is there, for who knows no more of it than the token key of its id. */
  has(tokenKey: string): Promise<boolean>;
  /** Finds a session by its `uid`. The payload comes without the session's id. */
  findByUid(uid: string): Promise<RecordPayload | undefined>;
  /** Finds a device code by its user code. The payload comes without the device code. */
  findByUserCode(userCode: string): Promise<RecordPayload | undefined>;
  /**
   * Marks a record as used, once: of many concurrent calls exactly one answers `true`.
   * A consumed record is still found, with `consumed` in epoch seconds.
   */
  consume(id: string): Promise<boolean>;
  /**
   * Deletes the record and its split entry and publishes the revocation: all of it or nothing. A session that requests under way
   * write again is not brought back by them: their `upsert` throws GrantRevokedError.
   */
  destroy(id: string): Promise<void>;
  /** Destroys every record of this kind that was issued under the grant, and those whose request is under way. */
  revokeByGrantId(grantId: string): Promise<void>;
}

/** Writes that are collected, to be there all at once or not at all. What is collected is not found before the commit. */
export interface UnitOfWork {
  /** Collects instead of writing: `consume` answers `true`, and it is the commit that finds out. */
  records(kind: string): Pick<Records, 'upsert' | 'consume'>;
  /**
   * @throws {AlreadyConsumedError} a record was consumed meanwhile; nothing is written
   * @throws {GrantRevokedError} a grant was revoked meanwhile; nothing is written
   * @throws {StoreUnavailableError} the write was not acknowledged
   */
  commit(): Promise<void>;
}

/** The signing inputs of split tokens, looked up with what the client holds: the signature. */
export interface SplitEntries {
  /**
   * @param signature BASE64URL, the client-held token
   * @returns the signing input (RFC 7515 section 2), or undefined when there is none, or none that the signature opens
   * @throws {StoreUnavailableError}
   */
  find(signature: string): Promise<string | undefined>;
  /** Whether the store may have dropped entries that are still good, so that one it does not have proves nothing. */
  mayLack(): boolean;
}

/**
 * What the authorization server said of access tokens, shared by all who ask it. Each answer is sealed under the client-held
 * token, so that the store can read neither token nor answer.
 */
export interface SharedAnswers {
  /**
   * @returns undefined when there is no answer, or none that the token opens
   * @throws {StoreUnavailableError}
   */
  find(token: string): Promise<string | undefined>;
  /**
   * Keeps an answer for as long as the token's record is there: it is deleted with the record, and once that is gone no
   * answer can be written any more.
   *
   * @param expiresIn seconds from now, a whole number; at most the token's remaining life
   * @returns whether there is such a record
   * @throws {StoreUnavailableError}
   */
  put(token: string, value: string, expiresIn: number): Promise<boolean>;
}

/**
 * Values that processes with one secret hand to each other for a while, such as what came of a refresh. A name is not written,
 * only its hash; a value is sealed under its name and the secret.
 */
export interface SharedValues {
  /**
   * @returns undefined when there is none, or none that the name and the secret open
   * @throws {StoreUnavailableError}
   */
  find(name: string): Promise<string | undefined>;
  /**
   * Puts a value in the place of whatever is there.
   *
   * @param expiresIn whole seconds from now, at least 1
   * @throws {StoreUnavailableError} whether it is there is not known
   */
  put(name: string, value: string, expiresIn: number): Promise<void>;
  /**
   * Puts a value where there is none: of many at the same time, one.
   *
   * @param expiresIn whole seconds from now, at least 1
   * @returns whether it did
   * @throws {StoreUnavailableError} whether it is there is not known
   */
  putIfAbsent(name: string, value: string, expiresIn: number): Promise<boolean>;
  /** @throws {StoreUnavailableError} whether it is gone is not known */
  remove(name: string): Promise<void>;
}

/** Hears of every revoked access token, by its token key, as soon as it is revoked. */
export interface RevocationListener {
  /** @param tokenKey BASE64URL(SHA-256(access token)) */
  revoked(tokenKey: string): void;
  /** Revocations are heard from now on. What was cached before may be stale. */
  connected(): void;
  /** Revocations may be missed from now on, until `connected`. */
  disconnected(): void;
  /** A kept value was changed with `changeKept`, in this part of the store. @param name the value's name */
  keptChanged?(name: string): void;
  /** The connection was checked, which took so many milliseconds: no revocation on it is heard later than that. */
  checked?(milliseconds: number): void;
}

export interface TokenStore {
  /**
   * The records of one kind.
   *
   * @param kind oidc-provider's model name
   * @param secret what every authorization server on this store knows; gateways need no records and no secret
   */
  records(kind: string, secret: string): Records;
  /**
   * Destroys every record of an owner, of whatever kind, and publishes the revocation of the access tokens among them. Writes
   * whose request is under way fail. Later ones are not touched, unless the owner is gone for good.
   *
   * @param options.forGood no such owner ever comes again under this name, as with a client that the server named itself
   * @throws {StoreUnavailableError} some records may be left; whoever asks again destroys the rest
   */
  revokeOwner(owner: RecordOwner, options?: { readonly forGood?: boolean }): Promise<void>;
  /**
   * Whether what was issued to all of these owners at a time was revoked by `revokeOwner` since: for tokens that have no record.
   * It outlasts `clear`.
   *
   * @param issuedAt epoch milliseconds
   * @throws {StoreUnavailableError}
   */
  isRevokedSince(owners: readonly RecordOwner[], issuedAt: number): Promise<boolean>;
  /** Begins to collect what one request writes. @param secret as for `records` */
  begin(secret: string): UnitOfWork;
  readonly splitEntries: SplitEntries;
  readonly sharedAnswers: SharedAnswers;
  /** @param secret what every process that shares the values knows */
  sharedValues(secret: string): SharedValues;
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
   * Changes a kept value, and tells all listeners to the feed in the same write. When another process changes it at the same
   * time, `change` is called again with what it is then.
   *
   * @returns the value that is now kept
   * @throws {StoreUnavailableError}
   * @throws {WrongSecretError} the value is kept under another secret, or there is none
   */
  changeKept(name: string, secret: string, change: (value: string) => string): Promise<string>;
  /**
   * @returns the value that is kept, if any
   * @throws {StoreUnavailableError}
   * @throws {WrongSecretError} the value is kept under another secret
   */
  readKept(name: string, secret: string): Promise<string | undefined>;
  /** A part of the store under a name of its own: what is in one part is not found in another. It is closed with the store. @throws {TypeError} a name with a colon */
  partition(name: string): TokenStore;
  /**
   * Deletes every entry but what `keepFirst` keeps and when owners were revoked, partitions included, and nothing of another
   * installation, also where its prefix begins with this one's. Listeners to the revocation feed hear
   * `connected` again: what was cached before is stale.
   *
   * @throws {StoreUnavailableError}
   */
  clear(): Promise<void>;
  /**
   * Adds to a list that every process on this store shares, such as what waits for a user's approval. It is sealed.
   *
   * @param expiresIn seconds from now; the value leaves the list after that
   * @param secret what every process on this store knows
   * @throws {StoreUnavailableError}
   */
  addToList(name: string, value: string, expiresIn: number, secret: string): Promise<void>;
  /** @returns what was added to the list and has not expired, in no particular order. @throws {StoreUnavailableError} */
  list(name: string, secret: string): Promise<string[]>;
  /**
   * Uses a name up: of all processes on this store, one gets `true` for it, once, until it expires.
   *
   * @param name is not written; only its hash is
   * @param expiresIn whole seconds from now, at least 1
   * @throws {StoreUnavailableError} whether it was used is not known
   */
  useOnce(name: string, expiresIn: number): Promise<boolean>;
  /**
   * Resolves when the store answers, is the one that was asked for, and lets this process do what it was opened for.
   *
   * @throws {StoreUnavailableError} with the `reason`
   */
  ping(): Promise<void>;
  /** What an operator should know although the store can be used; it names no address, user or password. */
  warnings(): readonly string[];
  close(): Promise<void>;
}

/** Under which name the authorization servers keep their signing keys: gateways hear of its changes. */
export const SIGNING_KEYS = 'signing-keys';
