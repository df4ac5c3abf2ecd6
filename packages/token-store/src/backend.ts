/** One step of a batch. Times to live are in seconds. */
export type Write =
  | {
      readonly type: 'put';
      readonly key: string;
      readonly value: string;
      readonly expiresIn: number;
      /** A small write that revokes something. It may exceed the bounds of the memory store a little. */
      readonly isVital?: boolean;
    }
  | { readonly type: 'putRecord'; readonly key: string; readonly value: string; readonly expiresIn: number }
  | { readonly type: 'addMember'; readonly key: string; readonly member: string; readonly expiresIn: number }
  | { readonly type: 'removeMembers'; readonly key: string; readonly members: readonly string[] }
  | { readonly type: 'delete'; readonly key: string }
  | { readonly type: 'publish'; readonly message: string };

/** A condition for a batch. */
export type Condition =
  /** The record exists and was not consumed. The batch marks it as consumed at this time (epoch seconds). */
  | { readonly type: 'notConsumed'; readonly key: string; readonly at: number }
  /** The record exists and has not reached this step. The batch marks it as having reached the step. */
  | { readonly type: 'stepBelow'; readonly key: string; readonly step: number }
  /** The record exists and its value starts with this text: it was not written again. */
  | { readonly type: 'startsWith'; readonly key: string; readonly prefix: string }
  /** The key exists. */
  | { readonly type: 'exists'; readonly key: string }
  /**
   * The key does not exist, or its number is below the limit. Where the clock can be set back, a time in the future does not count, but
   * `PERMANENT` always does.
   */
  | { readonly type: 'below'; readonly key: string; readonly limit: number };

/** A record's value, and the time at which it was consumed (epoch seconds). */
export interface StoredRecord {
  readonly value: string;
  readonly consumed?: number;
}

/** Larger than any time: a permanent revocation. */
export const PERMANENT = Number.MAX_SAFE_INTEGER;

/** Message on the feed: all tokens are revoked. */
export const CLEARED = 'cleared';

/** Message on the feed: the kept value under this key was changed. A token key has no colon. */
export function changeOf(key: string): string {
  return `changed:${key}`;
}

/** Whether a message on the feed is the token key of a revoked access token. */
export function isTokenKey(message: string): boolean {
  return message !== CLEARED && !message.includes(':');
}

export interface FeedListener {
  message(message: string): void;
  connected(): void;
  disconnected(): void;
  /** The connection was checked. @param milliseconds the time that it took */
  checked?(milliseconds: number): void;
}

/**
 * Storage for keys and values. It knows nothing about tokens: `token_store.ts` gives the keys their meaning, for every backend. Each
 * operation throws StoreUnavailableError if it is not acknowledged.
 */
export interface Backend {
  /**
   * Keys that one atomic write can cover. With `one hash tag` a batch is written in several steps: keys with the same hash tag
   * together, in the batch's order, but lists first and consumed records last. A batch that consumes a record may then only create
   * new keys, so that they can be deleted if a later step fails.
   */
  readonly atomicWrites: 'all keys' | 'one hash tag';
  /**
   * Writes the whole batch if all conditions are met, and nothing otherwise.
   *
   * @returns the condition that was not met
   */
  write(batch: readonly Write[], conditions?: readonly Condition[]): Promise<Condition | undefined>;
  get(key: string): Promise<string | undefined>;
  /** Present if replicas may be read. */
  readonly getFromReplica?: {
    /** @returns the value of a replica, at most `maxLag` milliseconds old; also undefined if the replica does not answer */
    get(key: string): Promise<string | undefined>;
    readonly maxLag: number;
  };
  getRecord(key: string): Promise<StoredRecord | undefined>;
  /** The members of a list that have not expired. */
  members(key: string): Promise<string[]>;
  /** Writes a value if the key does not exist. @returns whether it was written */
  putIfAbsent(key: string, value: string, expiresIn: number): Promise<boolean>;
  /** Writes a permanent value if the key does not exist. @returns the value that the key has now */
  getOrPut(key: string, value: string): Promise<string>;
  /** Replaces a permanent value if it is the expected one, and publishes {@link changeOf} the key. @returns whether it was replaced */
  compareAndSet(key: string, expected: string, value: string): Promise<boolean>;
  /** Deletes every matching key. */
  clear(matches: (key: string) => boolean): Promise<void>;
  /** @returns a function that ends the subscription */
  subscribe(listener: FeedListener): () => void;
  /** @throws {StoreUnavailableError} the backend is unavailable, or the user lacks rights */
  ping(): Promise<void>;
  /** Whether the backend is known to evict keys when it is full. */
  mayEvict(): boolean;
  /** Problems of a backend that can still be used. */
  warnings(): readonly string[];
  close(): Promise<void>;
}
