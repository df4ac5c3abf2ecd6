/** One Redis server, or one Sentinel. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** Connection settings of every kind of Redis. */
interface RedisAccess {
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly db: number;
}

export type RedisLocation =
  | (RedisAccess & { readonly kind: 'standalone'; readonly server: RedisAddress })
  | (RedisAccess & { readonly kind: 'cluster'; readonly servers: readonly RedisAddress[] })
  | (RedisAccess & { readonly kind: 'sentinel'; readonly sentinels: readonly RedisAddress[]; readonly master: string });

export type StoreLocation = { readonly kind: 'memory' } | RedisLocation;

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26379;

/** Scheme, credentials, servers and path. A `/`, `?` or `#` in a password must be percent-encoded. */
const SHAPE = /^redis(s?)(\+cluster|\+sentinel)?:\/\/(?:([^/?#]*)@)?([^/?#@]*)(?:\/([^?#]*))?$/;

const SERVER = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i;

/**
 * Parses the URL of a store. Errors do not quote the URL, because it may contain a password.
 *
 * @param url `memory:`; `redis://user:password@host:port/db`; `redis+cluster://user:password@host:port,host:port`;
 *   `redis+sentinel://user:password@host:port,host:port/master/db`. `rediss` instead of `redis` means TLS. Only the
 *   hosts and the master's name are required. User and password are percent-encoded.
 * @throws {TypeError} the message says what was expected
 */
export function parseStoreUrl(url: string): StoreLocation {
  if (url === 'memory:') return { kind: 'memory' };
  const shape = SHAPE.exec(url);
  if (shape === null) throw new TypeError(problemWith(url));
  const [, secure, kind, user, servers = '', path = ''] = shape;
  const access = { tls: secure === 's', ...credentialsOf(user) };
  switch (kind) {
    case '+cluster':
      if (path !== '') throw new TypeError('expected nothing after the hosts: a Redis Cluster has no databases');
      return { kind: 'cluster', servers: addressesOf(servers, REDIS_PORT), ...access, db: 0 };
    case '+sentinel': {
      const [master = '', db = '', ...more] = path.split('/');
      if (master === '' || more.length > 0) {
        throw new TypeError(
          "expected the master's name after the Sentinels, such as redis+sentinel://host:26379/mymaster",
        );
      }
      const sentinels = addressesOf(servers, SENTINEL_PORT);
      return { kind: 'sentinel', sentinels, master: decode(master, "master's name"), ...access, db: databaseOf(db) };
    }
    default: {
      const [server, ...others] = addressesOf(servers, REDIS_PORT);
      if (server === undefined || others.length > 0) {
        throw new TypeError('expected one host; use redis+cluster:// or redis+sentinel:// for several');
      }
      return { kind: 'standalone', server, ...access, db: databaseOf(path) };
    }
  }
}

function problemWith(url: string): string {
  if (!/^rediss?(\+cluster|\+sentinel)?:\/\//.test(url)) {
    return 'expected memory:, redis://, rediss://, redis+cluster:// or redis+sentinel://';
  }
  if (/[?#]/.test(url)) return 'expected no ? and no #; write them as %3F and %23 in a password';
  return 'expected host:port after the scheme, optionally with a percent-encoded user:password@ before it';
}

function credentialsOf(user: string | undefined): { username?: string; password?: string } {
  if (user === undefined) return {};
  const colon = user.indexOf(':');
  const username = decode(colon < 0 ? user : user.slice(0, colon), 'user');
  const password = colon < 0 ? '' : decode(user.slice(colon + 1), 'password');
  if (username !== '' && password === '') throw new TypeError('expected a password for the user, as user:password@');
  return { ...(username && { username }), ...(password && { password }) };
}

function addressesOf(servers: string, defaultPort: number): RedisAddress[] {
  return servers.split(',').map((server) => {
    const [, ipv6, name, port = String(defaultPort)] = SERVER.exec(server) ?? [];
    const host = ipv6 ?? name;
    if (host === undefined || Number(port) < 1 || Number(port) > 65535) {
      throw new TypeError('expected host, host:port or [IPv6]:port, separated by commas');
    }
    return { host, port: Number(port) };
  });
}

function databaseOf(text: string): number {
  if (!/^\d{0,5}$/.test(text)) throw new TypeError('expected the number of a database after the last /');
  return Number(text);
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TypeError(`expected a percent-encoded ${what}: write % as %25`);
  }
}
