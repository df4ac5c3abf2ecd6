import type { Redis } from 'ioredis';
import type { FeedListener } from '../backend.ts';
import type { RedisConnections } from './connections.ts';
import { problemOf, type RedisProblem } from './problem.ts';

/** Milliseconds between two checks of the connection. */
const HEARTBEAT_INTERVAL = 1000;

/** Milliseconds before the next attempt to connect. */
const RECONNECT_DELAY = 100;

/** The same, if an operator must change something first. */
const LASTING_DELAY = 1000;

/**
 * One Redis subscription for any number of listeners, on its own connection, which the first listener opens. Listeners are notified when
 * it connects and disconnects: Redis does not keep messages for a disconnected subscriber.
 */
export class RedisFeed {
  readonly #connections: Pick<RedisConnections, 'connectFeed' | 'checkFeed'>;
  readonly #channel: string;
  readonly #report: (problem: RedisProblem | undefined) => void;
  readonly #listeners = new Set<FeedListener>();
  #connection: Redis | undefined;
  /** The first problem of this connection. */
  #problem: RedisProblem | undefined;
  #isConnected = false;
  #heartbeat: NodeJS.Timeout | undefined;
  #reconnect: NodeJS.Timeout | undefined;

  /** @param report receives each problem, and undefined when there is none */
  constructor(
    connections: Pick<RedisConnections, 'connectFeed' | 'checkFeed'>,
    channel: string,
    report: (problem: RedisProblem | undefined) => void,
  ) {
    this.#connections = connections;
    this.#channel = channel;
    this.#report = report;
  }

  /** @returns a function that ends the subscription */
  subscribe(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    if (this.#connection === undefined) this.#open();
    if (this.#isConnected) listener.connected();
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#reconnect);
    this.#listeners.clear();
    const last = this.#connection;
    this.#connection = undefined;
    last?.disconnect();
  }

  #open(): void {
    const connection = this.#connections.connectFeed();
    this.#connection = connection;
    this.#problem = undefined;
    const giveUp = (error: unknown) => this.#giveUp(connection, error);
    connection.on('error', (error) => {
      // ioredis would continue in database 0. After any other error comes 'end', which notifies the listeners.
      if (problemOf(error).code === 'no-database') giveUp(error);
      else this.#record(connection, error);
    });
    connection.on('ready', () => void this.#listen(connection).catch(giveUp));
    connection.on('end', () => this.#ended(connection));
    connection.on('message', (_channel: string, message: string) => {
      for (const listener of this.#listeners) listener.message(message);
    });
    this.#heartbeat = setInterval(() => {
      if (this.#isConnected) this.#check(connection).catch(giveUp);
    }, HEARTBEAT_INTERVAL).unref();
  }

  async #listen(connection: Redis): Promise<void> {
    if (this.#problem?.code === 'no-database') return;
    await connection.subscribe(this.#channel);
    await this.#check(connection);
  }

  async #check(connection: Redis): Promise<void> {
    const began = performance.now();
    await this.#connections.checkFeed(connection);
    if (!this.#isCurrent(connection)) return;
    this.#report(undefined);
    this.#setConnected(true);
    for (const listener of this.#listeners) listener.checked?.(performance.now() - began);
  }

  #isCurrent(connection: Redis): boolean {
    return this.#connection === connection;
  }

  #record(connection: Redis, error: unknown): void {
    if (!this.#isCurrent(connection)) return;
    this.#problem ??= problemOf(error);
    this.#report(this.#problem);
  }

  #giveUp(connection: Redis, error: unknown): void {
    this.#record(connection, error);
    if (this.#isCurrent(connection)) this.#setConnected(false);
    connection.disconnect();
  }

  #ended(connection: Redis): void {
    if (!this.#isCurrent(connection)) return;
    this.#setConnected(false);
    clearInterval(this.#heartbeat);
    this.#reconnect = setTimeout(() => this.#open(), this.#problem?.isLasting ? LASTING_DELAY : RECONNECT_DELAY);
  }

  #setConnected(isConnected: boolean): void {
    if (this.#isConnected === isConnected) return;
    this.#isConnected = isConnected;
    for (const listener of this.#listeners) isConnected ? listener.connected() : listener.disconnected();
  }
}
