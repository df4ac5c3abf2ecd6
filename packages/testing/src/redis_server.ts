import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis, type RedisOptions } from 'ioredis';
import { freePort } from './free_port.ts';
import { until } from './until.ts';

/** A real Redis server for one test. It keeps no file after `stop`. */
export interface RedisServer {
  readonly port: number;
  /** A connection with all rights. */
  readonly admin: Redis;
  /** Ends the process with SIGKILL. */
  kill(): Promise<void>;
  /** Starts the process again, without data. @param more arguments of its command line, such as `--replicaof` */
  start(...more: string[]): Promise<void>;
  /** Suspends the process with SIGSTOP, like a machine that hangs. Its connections stay open. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  /** Lines of redis.conf, besides those for the port and for persistence, which is off. */
  readonly settings?: readonly string[];
  /** Options that clients need to connect. Default: plain TCP without a password. */
  readonly client?: Pick<RedisOptions, 'db' | 'password' | 'tls'>;
  readonly sentinel?: 'sentinel';
  /** Serves TLS on `port`, and no plain TCP. */
  readonly tls?: 'tls';
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** @throws {Error} redis-server is not installed or does not start */
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
