import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '@tallystick/testing/free_port';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import { type RedisServer, startRedisServer } from '@tallystick/testing/redis_server';
import { until } from '@tallystick/testing/until';
import { type StoreInput, storeConfig } from '../config/store_config.ts';
import { openTokenStore, type StoreDependencies, StoreUnavailableError, type TokenStore, tokenKey } from '../index.ts';
import { type Certificates, makeCertificates } from '../testing/certificates.ts';
import { documentedAcl } from '../testing/documented_acl.ts';
import { ID, SECRET } from '../testing/store_under_test.ts';

const PREFIX = 'problems:';

let certificates: Certificates;
let plain: RedisServer;
let secure: RedisServer;
let web: ListeningServer;
beforeAll(async () => {
  certificates = await makeCertificates();
  const { ca, certificate, key, pem } = certificates;
  [plain, secure] = await Promise.all([
    startRedisServer(),
    startRedisServer({
      tls: 'tls',
      settings: [`tls-cert-file ${certificate}`, `tls-key-file ${key}`, `tls-ca-cert-file ${ca}`],
      client: { tls: { ca: pem.ca, cert: pem.certificate, key: pem.key } },
    }),
  ]);
  const server = createServer((socket) => {
    socket.on('error', () => {}).on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  });
  web = await listen(server);
  await plain.admin.acl('SETUSER', 'no-select', ...documentedAcl('authorization-server', PREFIX));
  await plain.admin.acl('SETUSER', 'nothing', 'on', '>password', 'resetkeys', 'resetchannels', '-@all');
});
afterAll(async () => {
  await Promise.all([plain?.stop(), secure?.stop(), web?.stop()]);
  await certificates?.remove();
});

const opened: TokenStore[] = [];
const log: { level: string; reason?: string; message: string }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()));
  log.splice(0);
});

type Opened = StoreDependencies & Pick<StoreInput, 'tls' | 'prefix'>;

async function open(url: string, { tls, prefix = PREFIX, ...dependencies }: Opened = {}): Promise<TokenStore> {
  const write = (level: string) => (fields: object, message: string) => void log.push({ level, ...fields, message });
  const store = await openTokenStore(storeConfig({ url, prefix, tls }), {
    ...{ commandTimeout: 1000, log: { info: write('info'), warn: write('warn') } },
    ...dependencies,
  });
  opened.push(store);
  return store;
}

async function reasonOf(store: TokenStore): Promise<string> {
  const error = await store.ping().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error === undefined) return 'usable';
  expect(error).toBeInstanceOf(StoreUnavailableError);
  expect(String(error)).not.toContain('hunter2');
  return (error as StoreUnavailableError).reason;
}

describe('reports why Redis cannot be used', () => {
  test.each([
    ['a wrong password', () => `redis://no-select:hunter2@127.0.0.1:${plain.port}`, /user is unknown, or the password/],
    ['an unknown user', () => `redis://nobody:hunter2@127.0.0.1:${plain.port}`, /user is unknown, or the password/],
    ['an unknown host', () => 'redis://no.such.host.invalid', /host name is unknown/],
    ['a port on which nothing listens', async () => `redis://127.0.0.1:${await freePort()}`, /nothing listens/],
    ['TLS to a plain port', () => `rediss://127.0.0.1:${plain.port}`, /does not speak TLS/],
    ['no TLS to a TLS port', () => `redis://127.0.0.1:${secure.port}`, /closed the connection before it answered.*TLS/],
    ['an untrusted certificate', () => `rediss://127.0.0.1:${secure.port}`, /certificate is not trusted/],
    ['a server that is not Redis', () => `redis://127.0.0.1:${web.port}`, /not Redis/],
    [
      'a database that does not exist',
      () => `redis://127.0.0.1:${plain.port}/99`,
      /database cannot be selected: there is no such/,
    ],
    [
      'a user that may not select the database',
      () => `redis://no-select:password@127.0.0.1:${plain.port}/1`,
      /database cannot be selected: the user may not run SELECT/,
    ],
    ['a user without rights', () => `redis://nothing:password@127.0.0.1:${plain.port}`, /lacks rights: .*ping/],
  ])('%s', async (_what, url, expected) => {
    const store = await open(await url());
    expect(await reasonOf(store)).toMatch(expected);
    await until(() => log.length > 0 && expected.test(String(log.at(-1)?.reason)));
    // The problem persists, and is logged once.
    expect(await reasonOf(store)).toMatch(expected);
    expect(log.filter(({ reason }) => expected.test(String(reason)))).toHaveLength(1);
    expect(JSON.stringify(log)).not.toMatch(/hunter2/);
    await expect(store.splitEntries.find(ID)).rejects.toThrow(StoreUnavailableError);
  });

  test('a missing client certificate', async () => {
    const store = await open(`rediss://127.0.0.1:${secure.port}`, { tls: { ca: certificates.pem.ca } });
    expect(await reasonOf(store)).toMatch(/refused the client certificate, or requires one/);
  });
});

describe('a database that cannot be selected', () => {
  test('is not replaced by database 0 for reads, writes or the feed', async () => {
    const inZero = await open(`redis://127.0.0.1:${plain.port}`);
    await inZero.records('AccessToken', SECRET).upsert(ID, { jti: ID, signingInput: 'aa.bb' }, 60);
    for (const url of [`redis://127.0.0.1:${plain.port}/99`, `redis://no-select:password@127.0.0.1:${plain.port}/1`]) {
      const store = await open(url);
      let isUp = false;
      const connected = () => {
        isUp = true;
      };
      store.subscribe({ revoked() {}, connected, disconnected() {} });
      for (let time = 0; time < 20; time++) {
        await expect(store.splitEntries.find(ID)).rejects.toThrow(/database cannot be selected/);
        await expect(store.records('AccessToken', SECRET).upsert('x', { jti: 'x' }, 60)).rejects.toThrow(/database/);
        await expect(store.clear()).rejects.toThrow(/database cannot be selected/);
      }
      expect(isUp).toBe(false);
    }
    expect(await inZero.splitEntries.find(ID)).toBe('aa.bb');
  });

  test('is used when it can be selected', async () => {
    await plain.admin.acl('SETUSER', 'later', ...documentedAcl('authorization-server', PREFIX));
    const store = await open(`redis://later:password@127.0.0.1:${plain.port}/3`);
    expect(await reasonOf(store)).toMatch(/SELECT/);
    await plain.admin.acl('SETUSER', 'later', '+select');
    await until(async () => (await reasonOf(store)) === 'usable');
    expect(log.at(-1)).toMatchObject({ level: 'info', message: 'the token store is available again' });
    await store.records('AccessToken', SECRET).upsert(ID, { jti: ID, signingInput: 'in.three' }, 60);
    await plain.admin.select(3);
    expect(await plain.admin.get(`${PREFIX}{${tokenKey(ID)}}:signing-input`)).toContain('sealed:');
    await plain.admin.select(0);
  });

  test('is detected on reconnection', async () => {
    await plain.admin.acl('SETUSER', 'for-now', ...documentedAcl('authorization-server', PREFIX), '+select');
    const store = await open(`redis://for-now:password@127.0.0.1:${plain.port}/2`);
    expect(await reasonOf(store)).toBe('usable');
    await plain.admin.acl('SETUSER', 'for-now', '-select');
    await plain.admin.client('KILL', 'USER', 'for-now');
    await until(async () => /SELECT/.test(await reasonOf(store)));
    await expect(store.splitEntries.find(ID)).rejects.toThrow(/SELECT/);
  });
});

describe('the rights that a role needs', () => {
  const ROLES = [
    ['gateway', ['split entries'], []],
    ['gateway', ['split entries', 'shared answers'], ['the gateways share answers']],
    ['gateway', ['split entries', 'shared values'], ['token handlers']],
    ['authorization-server', ['records'], []],
  ] as const;

  test.each(ROLES)('are the documented ones: %s, %j', async (user, uses, more) => {
    await plain.admin.acl('SETUSER', 'role', 'reset', ...documentedAcl(user, PREFIX, more));
    await plain.admin.acl('LOG', 'RESET');
    const store = await open(`redis://role:password@127.0.0.1:${plain.port}`, { uses });
    expect(await reasonOf(store)).toBe('usable');
    expect(await plain.admin.acl('LOG')).toEqual([]);
  });

  test('are checked without changing anything', async () => {
    const store = await open(`redis://127.0.0.1:${plain.port}`, {
      uses: ['split entries', 'shared answers', 'shared values', 'records'],
      prefix: 'looked-at:',
    });
    await store.ping();
    expect(await plain.admin.keys('looked-at:*')).toEqual([]);
  });

  test.each(
    'get set del unlink exists expire hset hmget hexists zadd zrem zremrangebyscore zrangebyscore scan multi eval publish'
      .split(' ')
      .map((command) => [command]),
  )('of an authorization server are reported when they are missing: %s', async (command) => {
    const rules = documentedAcl('authorization-server', PREFIX);
    await plain.admin.acl('SETUSER', 'role', 'reset', ...rules, `-${command}`);
    const store = await open(`redis://role:password@127.0.0.1:${plain.port}`, { uses: ['records'] });
    expect(await reasonOf(store)).toMatch(new RegExp(`lacks rights: it may not run .*\\b${command.toUpperCase()}\\b`));
    await expect(store.splitEntries.find(ID)).rejects.toThrow(StoreUnavailableError);
    await plain.admin.acl('SETUSER', 'role', `+${command}`);
    await until(async () => (await reasonOf(store)) === 'usable');
  });

  test.each([
    ['the keys', ['split entries'], '-get', /GET/],
    ['keys under another prefix', ['split entries'], 'resetkeys', /GET/],
    ['values', ['shared values'], '-set', /SET/],
    ['answers', ['shared answers'], '-eval', /EVAL|SET|EXISTS/],
  ] as const)('of a gateway are reported when they are missing: %s', async (_what, uses, rule, expected) => {
    await plain.admin.acl('SETUSER', 'role', 'reset', ...documentedAcl('gateway', PREFIX), rule);
    const store = await open(`redis://role:password@127.0.0.1:${plain.port}`, { uses });
    expect(await reasonOf(store)).toMatch(expected);
  });

  test('are reported when a listener may not subscribe to revocations', async () => {
    await plain.admin.acl('SETUSER', 'role', 'reset', ...documentedAcl('gateway', PREFIX), 'resetchannels');
    const store = await open(`redis://role:password@127.0.0.1:${plain.port}`, { uses: ['split entries'] });
    store.subscribe({ revoked() {}, connected() {}, disconnected() {} });
    await until(async () => /subscribe/i.test(await reasonOf(store)));
    await plain.admin.acl('SETUSER', 'role', ...documentedAcl('gateway', PREFIX));
    await until(async () => (await reasonOf(store)) === 'usable');
  });

  test('are reported when they are revoked later', async () => {
    await plain.admin.acl('SETUSER', 'role', 'reset', ...documentedAcl('gateway', PREFIX));
    const store = await open(`redis://role:password@127.0.0.1:${plain.port}`, { uses: ['split entries'] });
    expect(await reasonOf(store)).toBe('usable');
    await plain.admin.acl('SETUSER', 'role', '-get');
    await expect(store.splitEntries.find(ID)).rejects.toThrow(/lacks rights/);
    expect(await reasonOf(store)).toMatch(/lacks rights.*GET/);
  });
});

describe('a Redis that evicts keys when it is full', () => {
  afterEach(() => plain.admin.config('SET', 'maxmemory-policy', 'noeviction'));

  test.each(['allkeys-lru', 'allkeys-lfu', 'allkeys-random', 'volatile-lru', 'volatile-ttl'])(
    'causes one warning: %s',
    async (policy) => {
      await plain.admin.config('SET', 'maxmemory-policy', policy);
      const store = await open(`redis://127.0.0.1:${plain.port}`);
      for (let time = 0; time < 2; time++) await store.ping();
      expect(store.warnings()).toEqual([expect.stringContaining(`maxmemory-policy is ${policy}`)]);
      expect(store.splitEntries.mayLack()).toBe(true);
      expect(log.map(({ level, message }) => [level, message])).toEqual([['warn', store.warnings()[0]]]);
      await plain.admin.config('SET', 'maxmemory-policy', 'noeviction');
      await store.ping();
      expect([store.warnings(), store.splitEntries.mayLack()]).toEqual([[], false]);
    },
  );

  test('causes no warning with noeviction', async () => {
    const store = await open(`redis://127.0.0.1:${plain.port}`);
    await store.ping();
    expect([store.warnings(), store.splitEntries.mayLack(), log]).toEqual([[], false, []]);
  });

  test('causes a warning of an authorization server with its own user', async () => {
    await plain.admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const store = await open(`redis://no-select:password@127.0.0.1:${plain.port}`, { uses: ['records'] });
    await store.ping();
    expect(store.warnings()).toHaveLength(1);
  });
});

test('the loss and the return of Redis are logged once each', async () => {
  const server = await startRedisServer();
  const store = await open(`redis://127.0.0.1:${server.port}`);
  await store.ping();
  await server.kill();
  await until(() => log.some(({ reason }) => reason === 'nothing listens on its port'));
  await server.start();
  await until(async () => (await reasonOf(store)) === 'usable');
  expect(log.map(({ level }) => level)).toEqual(['warn', 'info']);
  await server.stop();
});
