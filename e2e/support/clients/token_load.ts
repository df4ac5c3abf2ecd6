import { setTimeout as pause } from 'node:timers/promises';
import type { Style } from '../worlds/world.ts';
import { call } from './clients.ts';

/** One call. Times are of `performance.now()`. */
export interface Called {
  readonly gateway: number;
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly status: number;
}

export interface TokenLoad {
  /** The responses, in order. */
  readonly calls: readonly Called[];
  stop(): Promise<void>;
}

/** Milliseconds between two calls of a caller, so that the load does not saturate the processor. */
const PAUSE = 2;

/** Calls every gateway with a token, repeatedly and from several concurrent callers. */
export function startTokenLoad(gateways: readonly string[], style: Style, token: string, callers = 2): TokenLoad {
  const calls: Called[] = [];
  let isOver = false;
  const work = async (url: string, gateway: number) => {
    while (!isOver) {
      const sentAt = performance.now();
      const answer = await call(url, style, token);
      await answer.arrayBuffer();
      calls.push({ gateway, sentAt, answeredAt: performance.now(), status: answer.status });
      await pause(PAUSE);
    }
  };
  const working = gateways.flatMap((url, gateway) => Array.from({ length: callers }, () => work(url, gateway)));
  return {
    calls,
    async stop() {
      isOver = true;
      await Promise.all(working);
    },
  };
}
