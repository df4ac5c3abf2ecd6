import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { openTokenStore, type TokenStore } from '@tallystick/token-store';
import { Redis } from 'ioredis';
import { until } from '../condition.ts';
import type { StoreState } from './states.ts';

export interface StoreInTrouble {
  readonly store: TokenStore;
  /** Until then it is up. */
  beginTrouble(): Promise<void>;
  /** For one that is failing over: the other Redis takes connections from now on. */
  failOver(): Promise<void>;
  endTrouble(): Promise<void>;
  stop(): Promise<void>;
}

/** A token store on the real Redis of REDIS_URL, behind something that can keep it away. */
export async function openStoreInTrouble(state: StoreState): Promise<StoreInTrouble> {
  const url = new URL(process.env.REDIS_URL ?? '');
  const prefix = `matrix:${randomUUID()}:`;
  const admin = new Redis(url.href);
  const relay = await startRelay({ host: url.hostname, port: Number(url.port || 6379) });
  const open = (to: string) => openTokenStore({ url: to, prefix, commandTimeout: 2_000 });

  // Everything is written before the trouble begins, and not by the gateway: it only ever reads.
  const readOnly = { name: prefix, password: randomUUID() };
  const behind = new URL(url);
  if (state === 'read-only') {
    const rights = [`~${prefix}*`, `&${prefix}*`, '-@all', '+@read', '+@connection', '+@pubsub', '-publish'];
    await admin.call('ACL', 'SETUSER', readOnly.name, 'on', `>${readOnly.password}`, ...rights);
    [behind.username, behind.password] = [encodeURIComponent(readOnly.name), readOnly.password];
  } else {
    behind.host = `127.0.0.1:${relay.port}`;
  }
  const writer = await open(url.href);
  const reader = await open(behind.href);
  let isHeard = false;
  reader.subscribe({
    revoked() {},
    connected: () => (isHeard = true),
    disconnected: () => (isHeard = false),
  });
  await until('the feed is heard', () => isHeard);

  return {
    store: { ...reader, records: writer.records },
    async beginTrouble() {
      if (state === 'down' || state === 'failing over') await relay.cut();
      if (state === 'slow') relay.stall();
      if (state !== 'up' && state !== 'read-only') await until('the feed is not heard', () => !isHeard);
    },
    async failOver() {
      if (state === 'failing over') await relay.restore();
    },
    async endTrouble() {
      await relay.restore();
      await until('the feed is heard again', () => isHeard);
      const answers = () =>
        reader.ping().then(
          () => true,
          () => false,
        );
      await until('Redis answers again', answers);
    },
    async stop() {
      await Promise.all([reader.close(), writer.close(), relay.stop()]);
      const keys = await admin.keys(`${prefix}*`);
      if (keys.length > 0) await admin.del(keys);
      await admin.call('ACL', 'DELUSER', readOnly.name);
      admin.disconnect();
    },
  };
}

/** Stands between a client and a real server. */
async function startRelay(target: { host: string; port: number }) {
  const sockets = new Set<Socket>();
  let isStalled = false;
  const server = createServer((inbound) => {
    const outbound = connect(target);
    for (const [socket, other] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      if (isStalled) socket.pause();
      socket.on('data', (chunk) => other.write(chunk));
    }
  });
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const port = await listen(0);
  const cut = async () => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    port,
    cut,
    /** Holds up what is sent, as a server does that has stopped to answer. */
    stall() {
      isStalled = true;
      for (const socket of sockets) socket.pause();
    },
    async restore() {
      isStalled = false;
      for (const socket of sockets) socket.resume();
      if (!server.listening) await listen(port);
    },
    stop: cut,
  };
}
