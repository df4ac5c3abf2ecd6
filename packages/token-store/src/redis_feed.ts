import type { Redis } from 'ioredis';
import type { FeedListener } from './backend.ts';

/** Milliseconds between the pings that find out a dead connection. */
const HEARTBEAT_INTERVAL = 1000;

export interface RedisFeed {
  subscribe(listener: FeedListener): () => void;
  close(): void;
}

/**
 * One Redis subscription for any number of listeners, on a connection of its own, opened by the first.
 * Listeners are told when it is up and when it is down: Redis keeps no message for a subscriber that is away.
 *
 * @param timeout milliseconds without an answer to a ping after which the connection counts as dead
 */
export function createRedisFeed(redis: Redis, channel: string, timeout: number): RedisFeed {
  const listeners = new Set<FeedListener>();
  let connection: Redis | undefined;
  let heartbeat: NodeJS.Timeout | undefined;
  let up = false;

  function setUp(nowUp: boolean) {
    if (up === nowUp) return;
    up = nowUp;
    for (const listener of listeners) up ? listener.connected() : listener.disconnected();
  }

  function open(): Redis {
    const subscriber = redis.duplicate({ commandTimeout: timeout, autoResubscribe: false });
    subscriber.on('error', () => {}); // 'close' follows, and tells the listeners.
    subscriber.on('ready', () => {
      subscriber.subscribe(channel).then(
        () => setUp(true),
        () => subscriber.disconnect(true),
      );
    });
    subscriber.on('close', () => setUp(false));
    subscriber.on('message', (_channel: string, message: string) => {
      for (const listener of listeners) listener.message(message);
    });
    heartbeat = setInterval(() => {
      if (!up) return;
      subscriber.ping().catch(() => {
        setUp(false);
        subscriber.disconnect(true);
      });
    }, HEARTBEAT_INTERVAL);
    heartbeat.unref();
    return subscriber;
  }

  return {
    subscribe(listener) {
      listeners.add(listener);
      connection ??= open();
      if (up) listener.connected();
      return () => listeners.delete(listener);
    },
    close() {
      clearInterval(heartbeat);
      listeners.clear();
      connection?.disconnect();
    },
  };
}
