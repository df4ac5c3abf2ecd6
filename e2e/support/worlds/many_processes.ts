import { randomUUID } from 'node:crypto';
import { relayTo, type TcpRelay } from '@tallystick/testing/tcp_relay';
import { Redis } from 'ioredis';
import { captureLog } from './captured_log.ts';
import { type LoadBalancer, startLoadBalancer } from './load_balancer.ts';
import { type RoleProcess, startRole } from './role_process.ts';
import type { World } from './world.ts';

export interface ManyProcesses extends World {
  /** The load balancer in front of both authorization servers. Its URL is the issuer. */
  readonly loadBalancer: LoadBalancer;
  /** Starts one more gateway. @returns its URL */
  startGateway(different: Readonly<Record<string, string>>, args?: readonly string[]): Promise<string>;
  /** The relay in front of Redis. */
  readonly redisRelay: TcpRelay;
  /** The real Redis, and the prefix of this world's keys. */
  readonly redis: Redis;
  readonly prefix: string;
  /** The two authorization servers that are behind the load balancer now. */
  authorizationServers(): readonly RoleProcess[];
  stopAuthorizationServers(): Promise<void>;
  startAuthorizationServers(): Promise<void>;
  /** Kills both (SIGKILL). */
  killAuthorizationServers(): Promise<void>;
  /** Every key and value, as an attacker with access to the store reads them. */
  dump(): Promise<string>;
}

export interface ManyProcessesOptions {
  /** The configuration file. Default: the demo's. */
  readonly config?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** User and password of a Redis user that the authorization servers use. */
  readonly authorizationServerRedisUser?: string;
  /** Additional environment variables of the gateways. */
  readonly gatewayEnvironment?: Readonly<Record<string, string>>;
  /** Number of gateways. Default: 2. */
  readonly gatewayCount?: number;
  /** URLs of another Redis, by role. */
  readonly storeUrls?: { readonly authorizationServer: string; readonly gateway: string };
  /** Prefix of all keys. Default: a unique one. */
  readonly prefix?: string;
}

/** The demo as processes on a real Redis: two authorization servers, several gateways and a sample API. */
export async function startManyProcesses(options: ManyProcessesOptions = {}): Promise<ManyProcesses> {
  if (!process.env.REDIS_URL) throw new Error('REDIS_URL is not set: `npm test` starts a Redis and sets it');
  const redisUrl = new URL(process.env.REDIS_URL);
  const redis = new Redis(redisUrl.href);
  const redisRelay = await relayTo({ host: redisUrl.hostname, port: Number(redisUrl.port || 6379) });
  const loadBalancer = await startLoadBalancer();
  const prefix = options.prefix ?? `e2e:${randomUUID()}:`;
  const log = captureLog();
  const storeUrl = (user?: string) => {
    const url = new URL(redisUrl.href);
    url.host = `127.0.0.1:${redisRelay.port}`;
    if (user) [url.username, url.password] = user.split(':') as [string, string];
    return url.href;
  };
  const environment = {
    TALLYSTICK_ISSUER: loadBalancer.url,
    TALLYSTICK_SECRET: `the secret of ${prefix}`,
    TALLYSTICK_STORE_URL: options.storeUrls?.gateway ?? storeUrl(),
    TALLYSTICK_STORE_PREFIX: prefix,
    TALLYSTICK_AUTHORIZATION_SERVER_PORT: '0',
    TALLYSTICK_GATEWAY_PORT: '0',
    TALLYSTICK_SAMPLE_API_PORT: '0',
    ...options.environment,
  };
  const authorizationServerEnvironment = {
    ...environment,
    TALLYSTICK_STORE_URL: options.storeUrls?.authorizationServer ?? storeUrl(options.authorizationServerRedisUser),
  };

  let authorizationServers: RoleProcess[] = [];
  const startAuthorizationServers = async () => {
    authorizationServers = await Promise.all(
      [0, 1].map(() => startRole('authorization-server', authorizationServerEnvironment, log.write, options.config)),
    );
    loadBalancer.targets = authorizationServers.map((server) => server.url);
  };
  const stopAuthorizationServers = async () => {
    loadBalancer.targets = [];
    await Promise.all(authorizationServers.map((server) => server.stop()));
  };

  const killAuthorizationServers = async () => {
    await Promise.all(authorizationServers.map((server) => server.kill()));
    loadBalancer.targets = [];
  };

  const [sampleApi] = await Promise.all([
    startRole('sample-api', environment, log.write, options.config),
    startAuthorizationServers(),
  ]);
  const gatewayEnvironment = {
    ...environment,
    TALLYSTICK_SECRET: `the secret of the gateways of ${prefix}`,
    TALLYSTICK_SAMPLE_API_URL: sampleApi.url,
    ...options.gatewayEnvironment,
  };
  const { gatewayCount = 2 } = options;
  const gateways = await Promise.all(
    Array.from({ length: gatewayCount }, () => startRole('gateway', gatewayEnvironment, log.write, options.config)),
  );
  const gatewayUrls = gateways.map(({ url }) => url) as [string, ...string[]];

  return {
    issuer: loadBalancer.url,
    gateways: gatewayUrls,
    sampleApi: sampleApi.url,
    async startGateway(different, args) {
      const its = { ...gatewayEnvironment, ...different };
      const gateway = await startRole('gateway', its, log.write, options.config, args);
      gateways.push(gateway);
      return gateway.url;
    },
    log,
    loadBalancer,
    redisRelay,
    redis,
    prefix,
    authorizationServers: () => authorizationServers,
    startAuthorizationServers,
    stopAuthorizationServers,
    killAuthorizationServers,
    dump: () => dump(redis, prefix),
    async stop() {
      await Promise.all([...gateways, sampleApi, ...authorizationServers].map((role) => role.stop()));
      await Promise.all([loadBalancer.stop(), redisRelay.close()]);
      const keys = await redis.keys(`${prefix}*`);
      if (keys.length > 0) await redis.del(keys);
      redis.disconnect();
      log.expectNoSecret();
    },
  };
}

async function dump(redis: Redis, prefix: string): Promise<string> {
  const keys = await redis.keys(`${prefix}*`);
  const values = await Promise.all(
    keys.map(async (key) => {
      const type = await redis.type(key);
      if (type === 'hash') return redis.hgetall(key);
      if (type === 'zset') return redis.zrangebyscore(key, '-inf', '+inf');
      return redis.get(key);
    }),
  );
  return JSON.stringify([keys, values]);
}
