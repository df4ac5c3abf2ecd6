import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis, type RedisOptions } from 'ioredis';
import { freePort } from './free_port.ts';
import { until } from './until.ts';

/** A real server of a test's own, which leaves nothing behind. */
export interface RedisServer {
  readonly port: number;
  /** The last word on what the server holds. */
  readonly admin: Redis;
  /** Ends it without warning. */
  kill(): Promise<void>;
  /** Lets it run again, with what it had on disk: nothing. @param more on its command line, such as `--replicaof` */
  start(...more: string[]): Promise<void>;
  /** Stops every thread of it, as a machine that hangs does; it still holds its connections. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  /** Lines of redis.conf beside those that make it start on a free port and keep nothing. */
  readonly settings?: readonly string[];
  /** What clients need to be heard, when it is not a plain port without a password. */
  readonly client?: Pick<RedisOptions, 'db' | 'password' | 'tls'>;
  readonly sentinel?: 'sentinel';
  /** With TLS, `port` is its port. */
  readonly tls?: 'tls';
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** @throws {Error} there is no redis-server, or it does not start */
export async function startRedisServer({
  settings = [],
  client = {},
  sentinel,
  tls,
}: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tallystick-redis-'));
  const port = await freePort();
  const file = path.join(folder, 'redis.conf');
  const listening = tls ? ['port 0', `tls-port ${port}`] : [`port ${port}`];
  const quiet = sentinel ? [] : ['save ""', 'appendonly no', 'repl-diskless-sync-delay 0'];
  await writeFile(file, [...listening, 'bind 127.0.0.1', `dir ${folder}`, ...quiet, ...settings, ''].join('\n'));
  const admin = new Redis(port, '127.0.0.1', { lazyConnect: true, protocol: 2, disconnectTimeout: 100, ...client });
  admin.on('error', () => {});
  let child: ChildProcess | undefined;

  async function start(...more: string[]) {
    await run(more);
    await until(isReady);
  }

  async function run(more: readonly string[]) {
    const args = [file, ...(sentinel ? ['--sentinel'] : []), ...more];
    const started = spawn('redis-server', args, { stdio: 'ignore' });
    child = started;
    running.add(started);
    started.once('exit', () => running.delete(started));
    await once(started, 'spawn');
  }

  async function isReady(): Promise<boolean> {
    if (hasEnded()) throw new Error(`redis-server ended with ${child?.exitCode} before it listened`);
    try {
      if (admin.status !== 'ready') {
        admin.disconnect();
        await admin.connect();
      }
      await admin.ping();
      return true;
    } catch {
      return false; // It is starting.
    }
  }

  const hasEnded = () => child === undefined || child.exitCode !== null || child.signalCode !== null;

  async function kill() {
    if (child === undefined || hasEnded()) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  await start();
  return {
    port,
    admin,
    kill,
    start,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async stop() {
      admin.disconnect();
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
