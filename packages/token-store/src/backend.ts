/** One step of a batch. Times to live are in seconds. */
export type Write =
  | {
      readonly do: 'put';
      readonly key: string;
      readonly value: string;
      readonly expiresIn: number;
      /** It is small and takes something away from somebody: such writes may exceed bounds a little. */
      readonly isVital?: boolean;
    }
  | { readonly do: 'putRecord'; readonly key: string; readonly value: string; readonly expiresIn: number }
  | { readonly do: 'addMember'; readonly key: string; readonly member: string; readonly expiresIn: number }
  | { readonly do: 'removeMembers'; readonly key: string; readonly members: readonly string[] }
  | { readonly do: 'delete'; readonly key: string }
  | { readonly do: 'publish'; readonly message: string };

/** What must hold for a batch to be carried out. */
export type Condition =
  /** The record is there and was not consumed; it is, at that time (epoch seconds), with the batch. */
  | { readonly if: 'consumable'; readonly key: string; readonly at: number }
  /** The record is there and has not come to this step; it has, with the batch. */
  | { readonly if: 'advances'; readonly key: string; readonly step: number }
  /** The record is there, and its value begins so: nobody has written it since. */
  | { readonly if: 'begins'; readonly key: string; readonly with: string }
  /** There is something under the key. */
  | { readonly if: 'exists'; readonly key: string }
  /**
   * The key holds no number that is as large or larger. Where the clock can be set back, a time that has yet to come does not
   * count; `FOR_GOOD` always does.
   */
  | { readonly if: 'below'; readonly key: string; readonly than: number };

/** A record's value, and when it was consumed (epoch seconds). */
export interface StoredRecord {
  readonly value: string;
  readonly consumed?: number;
}

/** Larger than any time: what is marked with it stays revoked. */
export const FOR_GOOD = Number.MAX_SAFE_INTEGER;

/** On the feed, in place of a token key: all of them are revoked. */
export const CLEARED = 'cleared';

/** On the feed, in place of a token key: the kept value under this key is another one. No token key has a colon. */
export function changeOf(key: string): string {
  return `changed:${key}`;
}

/** Whether a message on the feed names an access token that was revoked. */
export function isTokenKey(message: string): boolean {
  return message !== CLEARED && !message.includes(':');
}

export interface FeedListener {
  message(message: string): void;
  connected(): void;
  disconnected(): void;
  /** The connection was checked, which took so many milliseconds. */
  checked?(milliseconds: number): void;
}

/**
 * What a place that keeps keys must be able to do. It knows nothing of tokens; what the keys and values mean is in
 * `token_store.ts`, once for every backend. Each operation throws StoreUnavailableError when it is not acknowledged.
 */
export interface Backend {
  /**
   * What a batch can be carried out for in one step. Where that is not everything, it is done in several: what has one hash
   * tag together, in the batch's order, but lists first and what is consumed last. Then a batch that consumes may only put
   * what was not there before, so that it can be taken back.
   */
  readonly writesAtOnce: 'everything' | 'what has one hash tag';
  /**
   * Carries out the whole batch, if all conditions hold, or none of it.
   *
   * @returns the condition that did not hold
   */
  write(batch: readonly Write[], conditions?: readonly Condition[]): Promise<Condition | undefined>;
  get(key: string): Promise<string | undefined>;
  /** Where copies may be asked. */
  readonly getFromReplica?: {
    /** @returns what a copy has, or had `maxLag` milliseconds ago; undefined, too, when it does not answer */
    get(key: string): Promise<string | undefined>;
    readonly maxLag: number;
  };
  getRecord(key: string): Promise<StoredRecord | undefined>;
  /** The members that have not expired. */
  members(key: string): Promise<string[]>;
  /** Puts a value where there is none. @returns whether it did */
  putIfAbsent(key: string, value: string, expiresIn: number): Promise<boolean>;
  /** Keeps the first value written, for good. @returns the value that is now kept */
  keepFirst(key: string, value: string): Promise<string>;
  /** Replaces a kept value, for good, if it is still the expected one, and publishes {@link changeOf} it. @returns whether it was */
  replaceKept(key: string, expected: string, value: string): Promise<boolean>;
  /** Deletes every key that is doomed. */
  clear(isDoomed: (key: string) => boolean): Promise<void>;
  /** @returns stops listening */
  subscribe(listener: FeedListener): () => void;
  /** @throws {StoreUnavailableError} it cannot be used, or not by this user */
  ping(): Promise<void>;
  /** Whether it drops keys when it is full, as far as is known. */
  mayEvict(): boolean;
  /** What is wrong although it can be used. */
  warnings(): readonly string[];
  close(): Promise<void>;
}
