import type { Socket } from 'node:net';

/**
 * Counts what is under way at the moment. It does not hold on to it: a collection of responses, each added and soon taken out
 * again, costs the garbage collector more than all of the walk.
 */
export interface InFlight {
  begin(): void;
  end(): void;
  /** Resolves when nothing is under way any more. */
  idle(): Promise<void>;
}

/** How a gateway comes to its end: by draining and closing, or by retiring when another one has taken its place. */
export interface Lifecycle {
  /** From now on connections are not to be kept alive. */
  readonly isDraining: boolean;
  /** Nothing can be forwarded any more. */
  readonly isClosed: boolean;
  /** Requests and WebSockets, from beginning to end. */
  readonly served: InFlight;
  /** Of those, the ones whose access token is being looked at. */
  readonly authorized: InFlight;
  /** Those that were, or are to be, upgraded, and how each is ended. They have no end of their own. */
  readonly sockets: Map<Socket, () => void>;
  /** Ends the keeping alive, while requests go on to be served. */
  drain(): void;
  /**
   * Closes WebSockets, waits for what is served, for a limited time, and then releases everything.
   *
   * @param lastRequest settles when no further request can come. Default: none can
   */
  close(lastRequest?: Promise<unknown>): Promise<void>;
  /** Waits for what is served, without limit, and then releases everything. */
  retire(): Promise<void>;
}

export interface LifecycleOptions {
  /** Milliseconds that `close` waits. */
  readonly drainTimeout: number;
  /** The cache is not used any more, since no token is looked at any more. */
  readonly leaveCache: () => void;
  /** Connections and subscriptions end. */
  readonly release: () => void;
}

export function createLifecycle({ drainTimeout, leaveCache, release }: LifecycleOptions): Lifecycle {
  const served = createInFlight();
  const authorized = createInFlight();
  const sockets = new Map<Socket, () => void>();
  let isDraining = false;
  let isClosed = false;

  function end(): void {
    isClosed = true;
    release();
  }

  return {
    get isDraining() {
      return isDraining;
    },
    get isClosed() {
      return isClosed;
    },
    served,
    authorized,
    sockets,
    drain() {
      isDraining = true;
    },
    async close(lastRequest) {
      isDraining = true;
      for (const goAway of sockets.values()) goAway();
      await atMost(drainTimeout, Promise.allSettled([lastRequest]).then(served.idle));
      for (const socket of sockets.keys()) socket.destroy();
      end();
    },
    async retire() {
      await authorized.idle();
      // An event stream may go on for days; what is cached need not wait for its end.
      leaveCache();
      await served.idle();
      end();
    },
  };
}

function createInFlight(): InFlight {
  let count = 0;
  let whenIdle: (() => void)[] = [];
  return {
    begin() {
      count += 1;
    },
    end() {
      count -= 1;
      if (count > 0) return;
      for (const resolve of whenIdle) resolve();
      whenIdle = [];
    },
    async idle() {
      if (count > 0) await new Promise<void>((resolve) => whenIdle.push(resolve));
    },
  };
}

async function atMost(milliseconds: number, waiting: Promise<void>): Promise<void> {
  let giveUp: NodeJS.Timeout | undefined;
  const timedOut = new Promise<void>((resolve) => {
    giveUp = setTimeout(resolve, milliseconds);
  });
  await Promise.race([waiting, timedOut]);
  clearTimeout(giveUp);
}
