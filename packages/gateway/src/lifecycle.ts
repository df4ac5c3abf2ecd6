import type { Socket } from 'node:net';

/**
 * Counts the work in flight. It keeps no references: a collection of responses would cost the garbage collector more than all steps of
 * a request together.
 */
export interface InFlight {
  begin(): void;
  end(): void;
  /** Resolves when no work is in flight. */
  idle(): Promise<void>;
}

/** The end of a gateway: draining and closing, or retiring after another gateway took over. */
export interface Lifecycle {
  /** Connections are no longer kept alive. */
  readonly isDraining: boolean;
  /** No request can be forwarded any more. */
  readonly isClosed: boolean;
  /** Requests and WebSockets, from beginning to end. */
  readonly served: InFlight;
  /** Requests that are being authorized. */
  readonly authorized: InFlight;
  /** The sockets of upgrades, each with the function that closes it. WebSockets do not end by themselves. */
  readonly sockets: Map<Socket, () => void>;
  /** Stops keeping connections alive. Requests are still served. */
  drain(): void;
  /**
   * Closes WebSockets, waits for a limited time until no request is in flight, and then releases everything.
   *
   * @param lastRequest settles when no further request can arrive. Default: none can from now on
   */
  close(lastRequest?: Promise<unknown>): Promise<void>;
  /** Waits without limit until no request is in flight, and then releases everything. */
  retire(): Promise<void>;
}

export interface LifecycleOptions {
  /** Milliseconds that `close` waits. */
  readonly drainTimeout: number;
  /** Releases the cache, once no further request is authorized. */
  readonly releaseCache: () => void;
  /** Closes connections and ends subscriptions. */
  readonly release: () => void;
}

export function createLifecycle({ drainTimeout, releaseCache, release }: LifecycleOptions): Lifecycle {
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
      for (const close of sockets.values()) close();
      await withTimeout(drainTimeout, Promise.allSettled([lastRequest]).then(served.idle));
      for (const socket of sockets.keys()) socket.destroy();
      end();
    },
    async retire() {
      await authorized.idle();
      // An event stream may last for days; the cache must not wait for its end.
      releaseCache();
      await served.idle();
      end();
    },
  };
}

function createInFlight(): InFlight {
  let count = 0;
  let waiting: (() => void)[] = [];
  return {
    begin() {
      count += 1;
    },
    end() {
      count -= 1;
      if (count > 0) return;
      for (const resolve of waiting) resolve();
      waiting = [];
    },
    async idle() {
      if (count > 0) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}

async function withTimeout(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work, timedOut]);
  clearTimeout(timer);
}
