import { Cluster, type Redis } from 'ioredis';
import type { RedisConnections } from './connections.ts';
import { problemOf, RedisProblem } from './problem.ts';
import { checkRights, type Findings, type NeededRights } from './rights.ts';

/** Milliseconds after which a connection that may not be used is looked at again. */
const LOOK_AGAIN = 1000;

/** Lets a connection be used only while what was asked for is true of it: its database, its user's rights, its answers. */
export interface Guard {
  isUsable(): boolean;
  /**
   * Resolves when the connection may be used. One that is being made, or looked at, is waited for; one that was lost is not.
   *
   * @throws {RedisProblem}
   */
  untilUsable(): Promise<void>;
  /** Looks at it now. @throws {RedisProblem} */
  check(): Promise<void>;
  /** A command was refused, though all was well before. */
  suspect(): void;
  close(): void;
}

export interface GuardOptions {
  readonly rights: NeededRights;
  /** Milliseconds that a connection may take to be made. */
  readonly patience: number;
  /** Is told whenever it is known what is wrong, and when nothing is. */
  readonly report: (problem: RedisProblem | undefined) => void;
  /** Is told what each look found. */
  readonly found: (findings: readonly Findings[]) => void;
}

/** Looks at the connections whenever they are made anew, and at those that may not be used each second. */
export function guard(connections: RedisConnections, { rights, patience, report, found }: GuardOptions): Guard {
  const { client } = connections;
  let isVerified = false;
  let wasVerified = false;
  /** It is known what is wrong with this connection. */
  let isExplained = false;
  let problem: RedisProblem | undefined;
  let looking: Promise<unknown> | undefined;
  let noting: Promise<unknown> | undefined;
  let isClosed = false;
  let lookAgain: NodeJS.Timeout | undefined;

  client.on('ready', look);
  client.on('close', () => {
    isVerified = false;
    clearTimeout(lookAgain);
  });
  client.on('connecting', () => {
    wasVerified = false;
    isExplained = false;
  });
  client.on('error', (error: unknown) => {
    noting = note(error);
  });
  // A node of a Cluster has connections of its own.
  client.on('+node', () => {
    if (isOpen()) look();
  });

  function isOpen(): boolean {
    return !isClosed && client.status === 'ready' && (client instanceof Cluster || client.stream?.writable !== false);
  }

  function look(): void {
    if (!isOpen()) return;
    const look = check()
      .catch(() => {}) // It is noted, and whoever wants to use the connection is told.
      .finally(() => {
        if (looking === look) looking = undefined;
      });
    looking = look;
  }

  async function check(): Promise<void> {
    clearTimeout(lookAgain);
    if (!isOpen()) throw problem ?? new RedisProblem('lost');
    try {
      await connections.check();
      // Asking a server of a Cluster may connect to it, which nobody would end any more.
      if (isClosed) throw new RedisProblem('lost');
      const findings = await Promise.all(connections.servers().map(examine));
      found(findings.filter((each) => each !== undefined));
      if (isOpen()) settle();
    } catch (error) {
      // Of a connection that was good, a slow answer says nothing about the next.
      if (!wasVerified || problemOf(error).isLasting) isVerified = false;
      if (isOpen() && !isVerified) lookAgain = setTimeout(look, LOOK_AGAIN).unref();
      throw await note(error);
    }
  }

  function settle(): void {
    isVerified = true;
    wasVerified = true;
    problem = undefined;
    report(undefined);
  }

  /** Of a Cluster one server may be away. */
  async function examine(server: Redis): Promise<Findings | undefined> {
    try {
      return await checkRights(server, rights);
    } catch (error) {
      if (client instanceof Cluster && !problemOf(error).isLasting) return undefined;
      throw error;
    }
  }

  async function note(error: unknown): Promise<RedisProblem> {
    const noted = await connections.explain(early(problemOf(error)));
    const isEnd = noted.code === 'lost' || noted.code === 'closed-early';
    // The end of a connection follows from what was said before it.
    if (problem === undefined || !(isEnd && isExplained)) problem = noted;
    isExplained ||= !isEnd;
    if (!isVerified) report(problem);
    return problem;
  }

  /** What ends a connection that never answered is not what ends one that did. */
  function early(found: RedisProblem): RedisProblem {
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
      const timer = setTimeout(done, patience);
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
      clearTimeout(lookAgain);
    },
  };
}
