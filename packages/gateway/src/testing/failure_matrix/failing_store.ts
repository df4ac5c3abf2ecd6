import { randomUUID } from 'node:crypto';
import { relayTo } from '@tallystick/testing/tcp_relay';
import { until } from '@tallystick/testing/until';
import { openTokenStore, type TokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import { Redis } from 'ioredis';
import type { StoreState } from './states.ts';

export interface FailingStore {
  readonly store: TokenStore;
  /** Begins the failure of its state. Before, the store is up. */
  beginFailure(): Promise<void>;
  /** For `failing over`: the new Redis accepts connections from now on. */
  failOver(): Promise<void>;
  endFailure(): Promise<void>;
  stop(): Promise<void>;
}

/** Opens a token store on the real Redis of REDIS_URL, behind a relay that can interrupt it or with a user that can lose its rights. */
export async function openFailingStore(state: StoreState): Promise<FailingStore> {
  const url = new URL(process.env.REDIS_URL ?? '');
  const prefix = `matrix:${randomUUID()}:`;
  const admin = new Redis(url.href);
  const relay = await relayTo({ host: url.hostname, port: Number(url.port || 6379) });
  const open = (to: string) => openTokenStore(storeConfig({ url: to, prefix }), { uses: ['split entries'] });

  // The gateway only reads. A separate client writes all entries before the failure begins.
  const user = { name: prefix, password: randomUUID() };
  const allow = (...rules: string[]) => admin.call('ACL', 'SETUSER', user.name, ...rules);
  const behind = new URL(url);
  if (hasOwnUser(state)) {
    const rights = [`~${prefix}*`, `&${prefix}*`, '-@all', '+@read', '+@connection', '+@pubsub', '-publish'];
    await allow('on', `>${user.password}`, ...rights);
    [behind.username, behind.password] = [encodeURIComponent(user.name), user.password];
    if (state === 'wrong database') url.pathname = behind.pathname = '/1';
  } else {
    behind.host = `127.0.0.1:${relay.port}`;
  }
  const writer = await open(url.href);
  const reader = await open(behind.href);
  let isFeedUp = false;
  reader.subscribe({
    revoked() {},
    connected: () => (isFeedUp = true),
    disconnected: () => (isFeedUp = false),
  });
  await until(() => isFeedUp);
  const answers = () =>
    reader.ping().then(
      () => true,
      () => false,
    );

  /** Changes the rights of the gateway's user, and disconnects it so that the change takes effect. */
  async function changeUser(): Promise<void> {
    if (state === 'wrong password') await allow('resetpass', `>${randomUUID()}`);
    if (state === 'wrong database') await allow('-select');
    if (state === 'no rights') await allow('-get');
    else if (state !== 'read-only') await admin.call('CLIENT', 'KILL', 'USER', user.name);
  }

  /** Simulates eviction. The Redis serves all tests, so its `maxmemory-policy` must not change. */
  let mayLack = false;
  const splitEntries = { ...reader.splitEntries, mayLack: () => mayLack };
  async function evict(): Promise<void> {
    mayLack = true;
    const keys = await admin.keys(`${prefix}*`);
    if (keys.length > 0) await admin.del(keys);
  }

  return {
    store: { ...reader, records: writer.records, splitEntries },
    async beginFailure() {
      if (state === 'down' || state === 'failing over') await relay.cut();
      if (state === 'slow') relay.stall();
      if (hasOwnUser(state)) await changeUser();
      if (state === 'evicted') await evict();
      if (LOSES_FEED.has(state)) await until(() => !isFeedUp);
      if (state === 'no rights') await until(async () => !(await answers()));
    },
    async failOver() {
      if (state === 'failing over') await relay.restore();
    },
    async endFailure() {
      await relay.restore();
      if (hasOwnUser(state)) await allow(`>${user.password}`, '+select', '+get');
      if (state === 'evicted') mayLack = false;
      await until(() => isFeedUp);
      await until(answers);
    },
    async stop() {
      await Promise.all([reader.close(), writer.close(), relay.close()]);
      if (state === 'wrong database') await admin.select(1);
      const keys = await admin.keys(`${prefix}*`);
      if (keys.length > 0) await admin.del(keys);
      await admin.call('ACL', 'DELUSER', user.name);
      admin.disconnect();
    },
  };
}

/** Whether the gateway connects with its own user in this state, instead of through the relay. */
function hasOwnUser(state: StoreState): boolean {
  return ['read-only', 'wrong password', 'wrong database', 'no rights'].includes(state);
}

const LOSES_FEED: ReadonlySet<StoreState> = new Set([
  'down',
  'slow',
  'failing over',
  'wrong password',
  'wrong database',
]);
