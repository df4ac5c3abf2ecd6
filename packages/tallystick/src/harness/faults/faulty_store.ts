import { setTimeout as wait } from 'node:timers/promises';
import { type Records, type SharedValues, StoreUnavailableError, type TokenStore } from '@tallystick/token-store';
import type { Fault, FaultInjector } from './faults.ts';

type Failure = Fault['failure'] | undefined;

/** Failures that affect reads and writes. Without a failure, a fault only delays. */
const OF_READS: readonly Failure[] = [undefined, 'refused', 'cut', 'lost'];
const OF_WRITES: readonly Failure[] = [undefined, 'refused', 'cut', 'read-only'];

/** What a store does with an operation, and what a read finds if the entry is lost. */
type Operation = 'write' | { readonly lost: unknown };

type Operations<Target> = { readonly [Name in keyof Target]?: Operation };

const NOTHING: Operation = { lost: undefined };
const RECORDS: Operations<Records> = {
  upsert: 'write',
  upsertAnonymous: 'write',
  advance: 'write',
  consume: 'write',
  destroy: 'write',
  revokeByGrantId: 'write',
  find: NOTHING,
  findByUid: NOTHING,
  findByUserCode: NOTHING,
  has: { lost: false },
};
/** `clear` and `close` never fail: tests need them to clean up. */
const STORE: Operations<TokenStore> = {
  revokeOwner: 'write',
  keepFirst: 'write',
  changeKept: 'write',
  addToList: 'write',
  useOnce: 'write',
  isRevokedSince: { lost: false },
  readKept: NOTHING,
  list: { lost: [] },
  ping: NOTHING,
};
const VALUES: Operations<SharedValues> = { find: NOTHING, put: 'write', putIfAbsent: 'write', remove: 'write' };

/** Injects the faults of tests into a store and its revocation feed. Without such faults it does what the store does. */
export function withStoreFaults(store: TokenStore, faults: FaultInjector): TokenStore {
  const guard = <Target extends object>(target: Target, operations: Operations<Target>): Target => {
    const guarded = { ...target };
    for (const [name, operation] of Object.entries(operations) as [keyof Target, Operation][]) {
      const real = target[name] as (...parameters: unknown[]) => Promise<unknown>;
      guarded[name] = ((...parameters: unknown[]) =>
        carryOut(operation, faults, () => real(...parameters))) as Target[keyof Target];
    }
    return guarded;
  };
  return {
    ...guard(store, STORE),
    records: (kind, secret) => guard(store.records(kind, secret), RECORDS),
    begin: (secret) => guard(store.begin(secret), { commit: 'write' }),
    splitEntries: guard(store.splitEntries, { find: NOTHING }),
    sharedAnswers: guard(store.sharedAnswers, { find: NOTHING, put: 'write' }),
    sharedValues: (secret) => guard(store.sharedValues(secret), VALUES),
    partition: (name) => withStoreFaults(store.partition(name), faults),
    subscribe: (listener) => subscribe(store, listener, faults),
  };
}

function carryOut(operation: Operation, faults: FaultInjector, run: () => Promise<unknown>): Promise<unknown> {
  const fault = faults.take({ at: 'store', failures: operation === 'write' ? OF_WRITES : OF_READS });
  return fault === undefined ? run() : fail(operation, fault, faults.cleared, run);
}

async function fail(operation: Operation, fault: Fault, cleared: AbortSignal, run: () => Promise<unknown>) {
  if (fault.delay !== undefined) await wait(fault.delay, undefined, { signal: cleared }).catch(() => {});
  if (fault.failure === 'lost' && operation !== 'write') return operation.lost;
  if (fault.failure === undefined) return run();
  if (fault.failure === 'cut') await run();
  throw new StoreUnavailableError('a fault of a test');
}

/** A feed that a fault can disconnect, delay or rob of messages. */
function subscribe(
  store: TokenStore,
  listener: Parameters<TokenStore['subscribe']>[0],
  faults: FaultInjector,
): () => void {
  let isCut = false;

  function update(): void {
    const isNowCut = faults.list().some(({ at, failure }) => at === 'revocation-feed' && failure === 'cut');
    if (isNowCut === isCut) return;
    isCut = isNowCut;
    if (isCut) listener.disconnected();
    else listener.connected();
  }

  function pass(deliver: () => void): void {
    if (isCut) return;
    const fault = faults.take({ at: 'revocation-feed', failures: ['lost', undefined] });
    if (fault?.failure === 'lost') return;
    if (fault?.delay === undefined) deliver();
    else void wait(fault.delay, undefined, { signal: faults.cleared, ref: false }).then(deliver, deliver);
  }

  const stopWatching = faults.onChange(update);
  const unsubscribe = store.subscribe({
    revoked: (tokenKey) => pass(() => listener.revoked(tokenKey)),
    keptChanged: (name) => pass(() => listener.keptChanged?.(name)),
    connected: () => void (isCut || listener.connected()),
    disconnected: () => void (isCut || listener.disconnected()),
    checked: (milliseconds) => void (isCut || listener.checked?.(milliseconds)),
  });
  update();
  return () => {
    stopWatching();
    unsubscribe();
  };
}
