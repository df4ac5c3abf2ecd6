import { randomBytes } from 'node:crypto';
import { listen } from '@tallystick/testing/listen';
import { createGateway } from '../../gateway.ts';
import { createGatewayServer } from '../../server.ts';
import { api, gatewayConfigOf, route, styles } from '../gateway_config.ts';
import { startUpstream, type TestUpstream } from '../servers.ts';
import { type FailingAuthorizationServer, startFailingAuthorizationServer } from './failing_authorization_server.ts';
import { type FailingStore, openFailingStore } from './failing_store.ts';
import { authorizationServers, type Cell, cells, type MatrixStyle, stores } from './states.ts';

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly challenge: string | null;
  readonly error: string | undefined;
  /** Whether the API was called. */
  readonly reachedApi: boolean;
}

export interface Matrix {
  /** Makes the call of every cell during the failures. */
  execute(): Promise<ReadonlyMap<Cell, Answer>>;
  /** Makes the call of a cell again, after its store has recovered. */
  executeAfterwards(cell: Cell): Promise<Answer>;
  stop(): Promise<void>;
}

const styleOf = (style: MatrixStyle) => (style === 'split or introspect' ? 'split' : style);
const nameOf = (style: MatrixStyle) => style.replaceAll(' ', '-');
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Starts a gateway for each combination of states of the authorization server and the store, in front of one API. */
export async function buildMatrix(): Promise<Matrix> {
  const upstream = await startUpstream();
  const servers = await startAll(authorizationServers, startFailingAuthorizationServer);
  const opened = await startAll(stores, openFailingStore);
  const fixtures = new Map<string, Awaited<ReturnType<typeof startGateway>>>();
  const key = ({ authorizationServer, store }: Pick<Cell, 'authorizationServer' | 'store'>) =>
    `${authorizationServer} ${store}`;
  for (const authorizationServer of authorizationServers) {
    for (const store of stores) {
      const gateway = await startGateway(servers[authorizationServer], opened[store], upstream);
      fixtures.set(key({ authorizationServer, store }), gateway);
    }
  }

  const tokens = new Map<Cell, string>();
  const call = async (cell: Cell): Promise<Answer> => {
    const path = `/${nameOf(cell.style)}/${randomBytes(8).toString('hex')}`;
    const response = await fetch(`${fixtures.get(key(cell))?.origin}${path}`, {
      headers: { Authorization: `Bearer ${tokens.get(cell)}` },
      // No call may hang.
      signal: AbortSignal.timeout(120_000),
    });
    const body = await response.text();
    return {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      challenge: response.headers.get('www-authenticate'),
      error: response.status === 200 ? undefined : JSON.parse(body).error,
      reachedApi: upstream.seen.some(({ url }) => url === path),
    };
  };

  for (const cell of cells) {
    tokens.set(cell, await issueToken(cell, servers[cell.authorizationServer], opened[cell.store]));
    if (cell.cache === 'hot' || cell.cache === 'negative') await call(cell);
  }

  return {
    async execute() {
      await Promise.all(Object.values(servers).map((server) => server.beginFailure()));
      await Promise.all(Object.values(opened).map((store) => store.beginFailure()));
      await Promise.all(Object.values(opened).map((store) => store.failOver()));
      const answers = new Map<Cell, Answer>();
      const callAll = async (waiting: Cell[], atATime: number) => {
        const worker = async () => {
          for (let cell = waiting.shift(); cell !== undefined; cell = waiting.shift()) {
            answers.set(cell, await call(cell));
          }
        };
        await Promise.all(Array.from({ length: atATime }, worker));
      };
      // Temporary states come first. Only a few calls run at a time: all at once, the processor would be too busy for the timeouts.
      const [temporary, permanent] = partition(cells, ({ store }) => store === 'failing over');
      const [slow, quick] = partition(permanent, ({ store, authorizationServer }) =>
        [store, authorizationServer].includes('slow'),
      );
      await callAll(temporary, 8);
      await Promise.all([callAll(slow, 64), callAll(quick, 6)]);
      return answers;
    },
    async executeAfterwards(cell) {
      await opened[cell.store].endFailure();
      return call(cell);
    },
    async stop() {
      await Promise.all([...fixtures.values()].map((fixture) => fixture.stop()));
      await Promise.all([...Object.values(opened), ...Object.values(servers)].map((part) => part.stop()));
      await upstream.stop();
    },
  };
}

function partition(cells: readonly Cell[], isFirst: (cell: Cell) => boolean): [Cell[], Cell[]] {
  return [cells.filter(isFirst), cells.filter((cell) => !isFirst(cell))];
}

async function startGateway(server: FailingAuthorizationServer, { store }: FailingStore, upstream: TestUpstream) {
  const config = gatewayConfigOf({
    authorizationServer: { introspectionEndpoint: `${server.origin}/introspect`, jwksUri: `${server.origin}/jwks` },
    client: { id: 'gateway', secret: 'secret' },
    // The circuit breaker has its own tests. Here the cells must not affect each other.
    introspection: { circuitBreaker: { failures: 0, pause: 1000 } },
    routes: [
      ...styles.map((style) => route(style, upstream.origin)),
      { ...route('split', upstream.origin), prefix: '/split-or-introspect', onMiss: 'introspect' },
    ],
    // Nothing expires while the cells are executed, however long that takes.
    cache: { maxAge: 300, negative: { maxAge: 300 } },
    // Long enough for the largest answers on a busy machine.
    timeouts: { authorizationServer: 6_000, upstream: 15_000 },
  });
  const gateway = createGateway(config, { store, log: silent });
  const running = await listen(createGatewayServer(gateway, config));
  // The gateway fetches the keys before the failures begin.
  await fetch(`${running.origin}/readyz`);
  return {
    origin: running.origin,
    async stop() {
      await running.stop();
      await gateway.close();
    },
  };
}

async function issueToken(
  { style, cache }: Cell,
  server: FailingAuthorizationServer,
  { store }: FailingStore,
): Promise<string> {
  const isActive = cache === 'hot' || cache === 'cold';
  const jwt = await server.issue({ aud: api(styleOf(style)) });
  const [header, payload, signature = ''] = jwt.split('.');
  switch (style) {
    case 'jwt':
      return isActive ? jwt : `${header}.${payload}.${randomBytes(64).toString('base64url')}`;
    case 'opaque':
    case 'phantom': {
      const reference = randomBytes(32).toString('base64url');
      if (isActive) server.active.set(reference, jwt);
      return reference;
    }
    default:
      if (!isActive) return signature;
      server.active.set(signature, jwt);
      await store.records('AccessToken', 'secret').upsert(signature, { signingInput: `${header}.${payload}` }, 600);
      return signature;
  }
}

async function startAll<Name extends string, T>(names: readonly Name[], start: (name: Name) => Promise<T>) {
  const entries = await Promise.all(names.map(async (name) => [name, await start(name)] as const));
  return Object.fromEntries(entries) as Record<Name, T>;
}
