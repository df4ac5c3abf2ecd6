import type { RequestTrace } from '../tracing/request_trace.ts';

/** A lookup under way, as it sees itself. */
export interface Flight {
  /** What is being looked up was revoked meanwhile. */
  readonly revoked: boolean;
}

/** Single flight: of many concurrent lookups of one thing only the first is made. */
export interface Flights<Result> {
  /** A lookup that a request arriving now may join. */
  underWay(id: string): UnderWay<Result> | undefined;
  /** Starts a lookup. @param trace of the request that it is made for */
  start(id: string, trace: RequestTrace | undefined, look: (flight: Flight) => Promise<Result>): Promise<Result>;
  /** Tells a lookup that its result is revoked. Nobody joins it any more. */
  revoke(id: string): void;
  /** Lets nobody join any of the lookups under way. Those who wait still get their results. */
  abandon(): void;
}

interface UnderWay<Result> {
  /** The result to come. */
  readonly landing: Promise<Result>;
  readonly trace: RequestTrace | undefined;
}

export function createFlights<Result>(): Flights<Result> {
  const flights = new Map<string, UnderWay<Result> & { revoked: boolean }>();

  return {
    underWay: (id) => flights.get(id),
    start(id, trace, look) {
      const flight = { revoked: false };
      const landing = look(flight).finally(() => {
        if (flights.get(id) === entry) flights.delete(id);
      });
      const entry = Object.assign(flight, { landing, trace });
      flights.set(id, entry);
      return landing;
    },
    revoke(id) {
      const entry = flights.get(id);
      if (entry === undefined) return;
      entry.revoked = true;
      flights.delete(id);
    },
    abandon: () => flights.clear(),
  };
}
