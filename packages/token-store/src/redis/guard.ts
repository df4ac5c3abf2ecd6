import { Cluster, type Redis } from 'ioredis';
import type { RedisConnections } from './connections.ts';
import { problemOf, RedisProblem } from './problem.ts';
import { checkRights, type Findings, type NeededRights } from './rights.ts';

/** Milliseconds after which an unusable connection is checked again. */
const RECHECK_INTERVAL = 1000;

/** Allows the use of a connection only while it answers, has the configured database, and its user has the required rights. */
export interface Guard {
  isUsable(): boolean;
  /**
   * Resolves when the connection can be used. Waits for a connection attempt or a check in progress, but not for a lost connection.
   *
   * @throws {RedisProblem}
   */
  untilUsable(): Promise<void>;
  /** Checks the connection now. @throws {RedisProblem} */
  check(): Promise<void>;
  /** Starts a check, because a command was refused unexpectedly. */
  suspect(): void;
  close(): void;
}

export interface GuardOptions {
  readonly rights: NeededRights;
  /** Milliseconds for a connection attempt. */
  readonly timeout: number;
  /** Receives each problem, and undefined when there is none. */
  readonly report: (problem: RedisProblem | undefined) => void;
  /** Receives the findings of each check. */
  readonly found: (findings: readonly Findings[]) => void;
}

/** Checks the connections each time they are established, and every second while they cannot be used. */
export function createGuard(connections: RedisConnections, { rights, timeout, report, found }: GuardOptions): Guard {
  const { client } = connections;
  let isVerified = false;
  let wasVerified = false;
  /** Whether the cause of the current problem is known. */
  let isExplained = false;
  let problem: RedisProblem | undefined;
  let looking: Promise<unknown> | undefined;
  let noting: Promise<unknown> | undefined;
  let isClosed = false;
  let recheck: NodeJS.Timeout | undefined;

  client.on('ready', look);
  client.on('close', () => {
    isVerified = false;
    clearTimeout(recheck);
  });
  client.on('connecting', () => {
    wasVerified = false;
    isExplained = false;
  });
  client.on('error', (error: unknown) => {
    noting = note(error);
  });
  // A node of a Cluster has its own connections.
  client.on('+node', () => {
    if (isOpen()) look();
  });

  function isOpen(): boolean {
    return !isClosed && client.status === 'ready' && (client instanceof Cluster || client.stream?.writable !== false);
  }

  function look(): void {
    if (!isOpen()) return;
    const look = check()
      .catch(() => {}) // The problem is noted, and operations on the connection throw it.
      .finally(() => {
        if (looking === look) looking = undefined;
      });
    looking = look;
  }

  async function check(): Promise<void> {
    clearTimeout(recheck);
    if (!isOpen()) throw problem ?? new RedisProblem('lost');
    try {
      await connections.check();
      // The check may have opened a connection to a server of the Cluster after `close`.
      if (isClosed) throw new RedisProblem('lost');
      const findings = await Promise.all(connections.servers().map(examine));
      found(findings.filter((each) => each !== undefined));
      if (isOpen()) settle();
    } catch (error) {
      // On a connection that worked, one slow answer does not mean that the next one will be slow.
      if (!wasVerified || problemOf(error).isLasting) isVerified = false;
      if (isOpen() && !isVerified) recheck = setTimeout(look, RECHECK_INTERVAL).unref();
      throw await note(error);
    }
  }

  function settle(): void {
    isVerified = true;
    wasVerified = true;
    problem = undefined;
    report(undefined);
  }

  /** In a Cluster one server may be down. */
  async function examine(server: Redis): Promise<Findings | undefined> {
    try {
      return await checkRights(server, rights);
    } catch (error) {
      if (client instanceof Cluster && !problemOf(error).isLasting) return undefined;
      throw error;
    }
  }

  async function note(error: unknown): Promise<RedisProblem> {
    const noted = await connections.explain(asEarly(problemOf(error)));
    const isEnd = noted.code === 'lost' || noted.code === 'closed-early';
    // The end of a connection is a consequence of the problem before it.
    if (problem === undefined || !(isEnd && isExplained)) problem = noted;
    isExplained ||= !isEnd;
    if (!isVerified) report(problem);
    return problem;
  }

  /** A connection that ended before any answer has another cause than one that was lost later. */
  function asEarly(found: RedisProblem): RedisProblem {
    return found.code === 'lost' && !wasVerified ? new RedisProblem('closed-early', '', String(found.cause)) : found;
  }

  async function untilUsable(): Promise<void> {
    if (client.status === 'connecting' || client.status === 'connect') await untilAttempted();
    await looking;
    await noting;
    if (!isUsable()) throw problem ?? new RedisProblem('lost');
  }

  /** Resolves once a connection that is being made is ready or has failed. */
  async function untilAttempted(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, timeout);
      function done() {
        clearTimeout(timer);
        client.off('ready', done).off('close', done).off('error', done);
        resolve();
      }
      client.once('ready', done).once('close', done).once('error', done);
    });
  }

  function isUsable(): boolean {
    return isVerified && client.status === 'ready';
  }

  return {
    isUsable,
    untilUsable,
    check,
    suspect() {
      if (looking === undefined) look();
    },
    close() {
      isClosed = true;
      clearTimeout(recheck);
    },
  };
}
