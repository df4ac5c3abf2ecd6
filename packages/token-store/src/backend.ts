/** One step of a batch. Times to live are in seconds. */
export type Write =
  | {
      readonly do: 'put';
      readonly key: string;
      readonly value: string;
      readonly expiresIn: number;
      /** A small write that revokes something. It may exceed the bounds of the memory store a little. */
      readonly isVital?: boolean;
    }
  | { readonly do: 'putRecord'; readonly key: string; readonly value: string; readonly expiresIn: number }
  | { readonly do: 'addMember'; readonly key: string; readonly member: string; readonly expiresIn: number }
  | { readonly do: 'removeMembers'; readonly key: string; readonly members: readonly string[] }
  | { readonly do: 'delete'; readonly key: string }
  | { readonly do: 'publish'; readonly message: string };

/** A condition for a batch. */
export type Condition =
  /** The record exists and was not consumed. The batch marks it as consumed at this time (epoch seconds). */
  | { readonly if: 'consumable'; readonly key: string; readonly at: number }
  /** The record exists and has not reached this step. The batch marks it as having reached the step. */
  | { readonly if: 'advances'; readonly key: string; readonly step: number }
  /** The record exists and its value starts with this text: it was not written again. */
  | { readonly if: 'begins'; readonly key: string; readonly with: string }
  /** The key exists. */
  | { readonly if: 'exists'; readonly key: string }
  /**
   * The key holds no number that is as large or larger. Where the clock can be set back, a time in the future does not count, but
   * `FOR_GOOD` always does.
   */
  | { readonly if: 'below'; readonly key: string; readonly than: number };

/** A record's value, and the time at which it was consumed (epoch seconds). */
export interface StoredRecord {
  readonly value: string;
  readonly consumed?: number;
}

/** Larger than any time: a permanent revocation. */
export const FOR_GOOD = Number.MAX_SAFE_INTEGER;

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
   * Keys that one atomic write can cover. If that is not every key, a batch is written in several steps: keys with the same hash tag
   * together, in the batch's order, but lists first and consumed records last. A batch that consumes a record may then only create
   * new keys, so that they can be deleted if a later step fails.
   */
  readonly writesAtOnce: 'everything' | 'what has one hash tag';
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
  /** Keeps the first value permanently. @returns the value that is now kept */
  keepFirst(key: string, value: string): Promise<string>;
  /** Replaces a kept value if it is still the expected one, and publishes {@link changeOf} the key. @returns whether it was replaced */
  replaceKept(key: string, expected: string, value: string): Promise<boolean>;
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
