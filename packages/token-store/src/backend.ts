/** One step of an atomic batch. Times to live are in seconds. */
export type Write =
  | { readonly do: 'put'; readonly key: string; readonly value: string; readonly expiresIn: number }
  | { readonly do: 'putRecord'; readonly key: string; readonly value: string; readonly expiresIn: number }
  | { readonly do: 'addMember'; readonly key: string; readonly member: string; readonly expiresIn: number }
  | { readonly do: 'delete'; readonly key: string }
  | { readonly do: 'publish'; readonly message: string };

/** A record's value, and when it was consumed (epoch seconds). */
export interface StoredRecord {
  readonly value: string;
  readonly consumed?: number;
}

export interface FeedListener {
  message(message: string): void;
  connected(): void;
  disconnected(): void;
}

/**
 * What a place that keeps keys must be able to do. It knows nothing of tokens; what the keys and values mean is in
 * `token_store.ts`, once for every backend. Each operation throws StoreUnavailableError when it is not acknowledged.
 */
export interface Backend {
  /**
   * Carries out the whole batch or none of it.
   *
   * @param readBack a key to read in the same step
   * @returns the value under `readBack`
   */
  write(batch: readonly Write[], readBack?: string): Promise<string | undefined>;
  get(key: string): Promise<string | undefined>;
  getRecord(key: string): Promise<StoredRecord | undefined>;
  /** Notes when a record was consumed. @returns false when there is none, or when it already was */
  consumeRecord(key: string, at: number): Promise<boolean>;
  /** The members that have not expired. */
  members(key: string): Promise<string[]>;
  /** Keeps the first value written, for good. @returns the value that is now kept */
  keepFirst(key: string, value: string): Promise<string>;
  /** Deletes every key that does not begin with `kept`. */
  clear(kept: string): Promise<void>;
  /** @returns stops listening */
  subscribe(listener: FeedListener): () => void;
  ping(): Promise<void>;
  close(): Promise<void>;
}
