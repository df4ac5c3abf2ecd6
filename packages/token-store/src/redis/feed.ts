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

export interface RedisFeed {
  subscribe(listener: FeedListener): () => void;
  close(): void;
}

/**
 * One Redis subscription for any number of listeners, on its own connection, which the first listener opens. Listeners are notified when
 * it connects and disconnects: Redis does not keep messages for a disconnected subscriber.
 */
export function createRedisFeed(
  { connectFeed, checkFeed }: Pick<RedisConnections, 'connectFeed' | 'checkFeed'>,
  channel: string,
  report: (problem: RedisProblem | undefined) => void,
): RedisFeed {
  const listeners = new Set<FeedListener>();
  let connection: Redis | undefined;
  let heartbeat: NodeJS.Timeout | undefined;
  let reconnect: NodeJS.Timeout | undefined;
  let up = false;

  function setUp(nowUp: boolean) {
    if (up === nowUp) return;
    up = nowUp;
    for (const listener of listeners) up ? listener.connected() : listener.disconnected();
  }

  function open(): void {
    let problem: RedisProblem | undefined;
    const note = (error: unknown) => {
      problem ??= problemOf(error);
      if (isCurrent()) report(problem);
    };
    const subscriber = connectFeed();
    connection = subscriber;
    const isCurrent = () => connection === subscriber;
    const check = async () => {
      const began = performance.now();
      await checkFeed(subscriber);
      if (!isCurrent()) return;
      report(undefined);
      setUp(true);
      for (const listener of listeners) listener.checked?.(performance.now() - began);
    };
    const giveUp = (error: unknown) => {
      note(error);
      if (isCurrent()) setUp(false);
      subscriber.disconnect();
    };
    // ioredis would continue in database 0. After any other error comes 'end', which notifies the listeners.
    subscriber.on('error', (error) => (problemOf(error).code === 'no-database' ? giveUp(error) : note(error)));
    const listen = async () => {
      if (problem?.code === 'no-database') return;
      await subscriber.subscribe(channel);
      await check();
    };
    subscriber.on('ready', () => void listen().catch(giveUp));
    subscriber.on('end', () => {
      if (!isCurrent()) return;
      setUp(false);
      clearInterval(heartbeat);
      reconnect = setTimeout(open, problem?.isLasting ? LASTING_DELAY : RECONNECT_DELAY);
    });
    subscriber.on('message', (_channel: string, message: string) => {
      for (const listener of listeners) listener.message(message);
    });
    heartbeat = setInterval(() => {
      if (up) check().catch(giveUp);
    }, HEARTBEAT_INTERVAL);
    heartbeat.unref();
  }

  return {
    subscribe(listener) {
      listeners.add(listener);
      if (connection === undefined) open();
      if (up) listener.connected();
      return () => listeners.delete(listener);
    },
    close() {
      clearInterval(heartbeat);
      clearTimeout(reconnect);
      listeners.clear();
      const last = connection;
      connection = undefined;
      last?.disconnect();
    },
  };
}
