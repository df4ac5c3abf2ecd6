import { Cluster, type Redis } from 'ioredis';
import type { RedisClient, RedisConnections } from './connections.ts';
import { problemOf, RedisProblem } from './problem.ts';
import { checkRights, type Findings, type NeededRights } from './rights.ts';

/** Milliseconds after which an unusable connection is checked again. */
const RECHECK_INTERVAL = 1000;

export interface GuardOptions {
  readonly rights: NeededRights;
  /** Milliseconds for a connection attempt. */
  readonly timeout: number;
  /** Receives each problem, and undefined when there is none. */
  readonly report: (problem: RedisProblem | undefined) => void;
  /** Receives the findings of each check. */
  readonly found: (findings: readonly Findings[]) => void;
}

/**
 * Allows the use of a connection only while it answers, has the configured database, and its user has the required rights. Checks the
 * connection each time it is established, and every second while it cannot be used.
 */
export class Guard {
  readonly #connections: RedisConnections;
  readonly #client: RedisClient;
  readonly #options: GuardOptions;
  /** Whether the current connection passed a check. */
  #isVerified = false;
  /** Whether the current connection ever passed a check. */
  #wasVerified = false;
  #problem: RedisProblem | undefined;
  /** Whether the problem is a cause, not only the end of the connection. */
  #isCauseKnown = false;
  #checking: Promise<void> | undefined;
  #recording: Promise<unknown> | undefined;
  #recheck: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(connections: RedisConnections, options: GuardOptions) {
    this.#connections = connections;
    this.#client = connections.client;
    this.#options = options;
    this.#client.on('ready', () => this.#startCheck());
    this.#client.on('close', () => {
      this.#isVerified = false;
      clearTimeout(this.#recheck);
    });
    this.#client.on('connecting', () => {
      this.#wasVerified = false;
      this.#isCauseKnown = false;
    });
    this.#client.on('error', (error: unknown) => {
      this.#recording = this.#record(error);
    });
    // A node of a Cluster has its own connections.
    this.#client.on('+node', () => this.#startCheck());
  }

  isUsable(): boolean {
    return this.#isVerified && this.#client.status === 'ready';
  }

  /**
   * Resolves when the connection can be used. Waits for a connection attempt or a check in progress, but not for a lost connection.
   *
   * @throws {RedisProblem}
   */
  async untilUsable(): Promise<void> {
    const { status } = this.#client;
    if (status === 'connecting' || status === 'connect') await untilAttempted(this.#client, this.#options.timeout);
    await this.#checking;
    await this.#recording;
    if (!this.isUsable()) throw this.#problem ?? new RedisProblem('lost');
  }

  /** Checks the connection now. @throws {RedisProblem} */
  async check(): Promise<void> {
    clearTimeout(this.#recheck);
    if (!this.#isOpen()) throw this.#problem ?? new RedisProblem('lost');
    try {
      await this.#connections.check();
      // The check may have opened a connection to a server of the Cluster after `close`.
      if (this.#isClosed) throw new RedisProblem('lost');
      const findings = await Promise.all(this.#connections.servers().map((server) => this.#checkServer(server)));
      this.#options.found(findings.filter((each) => each !== undefined));
      if (this.#isOpen()) this.#verified();
    } catch (error) {
      // On a connection that worked, one slow answer does not mean that the next one will be slow.
      if (!this.#wasVerified || problemOf(error).isLasting) this.#isVerified = false;
      if (this.#isOpen() && !this.#isVerified) {
        this.#recheck = setTimeout(() => this.#startCheck(), RECHECK_INTERVAL).unref();
      }
      throw await this.#record(error);
    }
  }

  /** Starts a check, because a command was refused unexpectedly. */
  suspect(): void {
    if (this.#checking === undefined) this.#startCheck();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#recheck);
  }

  #isOpen(): boolean {
    const client = this.#client;
    return (
      !this.#isClosed && client.status === 'ready' && (client instanceof Cluster || client.stream?.writable !== false)
    );
  }

  #startCheck(): void {
    if (!this.#isOpen()) return;
    const checking = this.check()
      .catch(() => {}) // The problem is recorded, and operations on the connection throw it.
      .finally(() => {
        if (this.#checking === checking) this.#checking = undefined;
      });
    this.#checking = checking;
  }

  #verified(): void {
    this.#isVerified = true;
    this.#wasVerified = true;
    this.#problem = undefined;
    this.#options.report(undefined);
  }

  /** In a Cluster one server may be down. */
  async #checkServer(server: Redis): Promise<Findings | undefined> {
    try {
      return await checkRights(server, this.#options.rights);
    } catch (error) {
      if (this.#client instanceof Cluster && !problemOf(error).isLasting) return undefined;
      throw error;
    }
  }

  async #record(error: unknown): Promise<RedisProblem> {
    const found = await this.#connections.explain(this.#asEarly(problemOf(error)));
    const isEnd = found.code === 'lost' || found.code === 'closed-early';
    // The end of a connection is a consequence of the problem before it.
    if (this.#problem === undefined || !(isEnd && this.#isCauseKnown)) this.#problem = found;
    this.#isCauseKnown ||= !isEnd;
    if (!this.#isVerified) this.#options.report(this.#problem);
    return this.#problem;
  }

  /** A connection that ended before any answer has another cause than one that was lost later. */
  #asEarly(found: RedisProblem): RedisProblem {
    if (found.code !== 'lost' || this.#wasVerified) return found;
    return new RedisProblem('closed-early', '', String(found.cause));
  }
}

/** Resolves when a connection attempt has succeeded or failed, or after the timeout. */
async function untilAttempted(client: RedisClient, timeout: number): Promise<void> {
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
