import type { RequestTrace } from '../tracing/request_trace.ts';

/** Single flight: of many concurrent lookups of one token only the first is made. The others wait for its result. */
export interface SingleFlight<Result> {
  /** The lookup in flight that a new request may join. */
  find(id: string): Flight<Result> | undefined;
  /** Starts a lookup. @param trace of the request that it is made for */
  start(id: string, trace: RequestTrace | undefined, lookUp: (state: FlightState) => Promise<Result>): Promise<Result>;
  /** Marks the lookup of a token that was revoked. New requests do not join it. */
  revoke(id: string): void;
  /** Detaches all lookups in flight: new requests do not join them. Requests that already wait still get the results. */
  detachAll(): void;
}

/** A lookup in flight. */
export interface Flight<Result> {
  readonly result: Promise<Result>;
  /** Of the request that started it. */
  readonly trace: RequestTrace | undefined;
}

/** What a lookup in flight can find out about itself. */
export interface FlightState {
  /** The token was revoked after the lookup started. */
  readonly isRevoked: boolean;
}

export function createSingleFlight<Result>(): SingleFlight<Result> {
  const inFlight = new Map<string, Flight<Result> & { isRevoked: boolean }>();

  return {
    find: (id) => inFlight.get(id),
    start(id, trace, lookUp) {
      const state = { isRevoked: false };
      const result = lookUp(state).finally(() => {
        if (inFlight.get(id) === flight) inFlight.delete(id);
      });
      const flight = Object.assign(state, { result, trace });
      inFlight.set(id, flight);
      return result;
    },
    revoke(id) {
      const flight = inFlight.get(id);
      if (flight === undefined) return;
      flight.isRevoked = true;
      inFlight.delete(id);
    },
    detachAll: () => inFlight.clear(),
  };
}
