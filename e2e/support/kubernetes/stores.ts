import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { startRedisCluster } from '@tallystick/testing/redis_cluster';
import { startRedisSentinels } from '@tallystick/testing/redis_sentinel';
import { type RedisServer, startRedisServer } from '@tallystick/testing/redis_server';
import { ROOT } from '../worlds/run_command.ts';
import type { Overlay } from './manifests.ts';

/** The passwords, by the variables of docs/how-to/kubernetes.md. */
export const PASSWORDS = {
  AUTHORIZATION_SERVER_REDIS_PASSWORD: 'password-of-the-authorization-server',
  GATEWAY_REDIS_PASSWORD: 'password-of-the-gateway',
  SENTINEL_PASSWORD: 'password-of-the-sentinels',
};

export interface Store {
  /** What stands between the password and the database in `store.url`. */
  readonly addresses: string;
  stop(): Promise<void>;
}

/** Starts the kind of Redis that an overlay is for, with the users and rights that docs/how-to/redis.md names. */
export async function startStore(overlay: Overlay): Promise<Store> {
  const addressesIn = (url: string) => /\/\/([^/]+)/.exec(url)?.[1] ?? '';
  if (overlay === 'redis') {
    const server = await startRedisServer();
    await addUsers([server], [], []);
    return { addresses: `127.0.0.1:${server.port}`, stop: server.stop };
  }
  if (overlay === 'cluster') {
    const cluster = await startRedisCluster({ replicas: 1 });
    const rights = ['+cluster|slots', '+cluster|info'];
    await addUsers([...cluster.masters, ...cluster.replicas], rights, [...rights, '+readonly']);
    return { addresses: addressesIn(cluster.url), stop: cluster.stop };
  }
  const sentinels = await startRedisSentinels();
  await addUsers(sentinels.servers, ['+info', '+wait'], ['+info']);
  for (const { admin } of sentinels.sentinels)
    await admin.call('ACL', 'SETUSER', 'tallystick', 'on', `>${PASSWORDS.SENTINEL_PASSWORD}`, '+@all', '~*', '&*');
  return { addresses: addressesIn(sentinels.url), stop: sentinels.stop };
}

async function addUsers(
  servers: readonly RedisServer[],
  ofAuthorizationServer: readonly string[],
  ofGateway: readonly string[],
): Promise<void> {
  const page = await readFile(path.join(ROOT, 'docs/how-to/redis.md'), 'utf8');
  const rulesOf = (user: string, password: string) => {
    const [, rules = ''] = new RegExp(`^user ${user} (on >password .*)$`, 'm').exec(page) ?? [];
    return rules.replace('>password', `>${password}`).split(' ');
  };
  const users = [
    ['authorization-server', PASSWORDS.AUTHORIZATION_SERVER_REDIS_PASSWORD, ofAuthorizationServer],
    ['gateway', PASSWORDS.GATEWAY_REDIS_PASSWORD, ofGateway],
  ] as const;
  for (const { admin } of servers)
    for (const [user, password, more] of users)
      await admin.call('ACL', 'SETUSER', user, ...rulesOf(user, password), ...more);
}
