/** A lookup under way, as it sees itself. */
export interface Flight {
  /** What is being looked up was revoked meanwhile. */
  readonly revoked: boolean;
}

/** Single flight: of many concurrent lookups of one thing only the first is made. */
export interface Flights<Result> {
  /** The result to come of a lookup that a request arriving now may join. */
  underWay(id: string): Promise<Result> | undefined;
  /** Starts a lookup. */
  start(id: string, look: (flight: Flight) => Promise<Result>): Promise<Result>;
  /** Tells a lookup that its result is revoked. Nobody joins it any more. */
  revoke(id: string): void;
  /** Lets nobody join any of the lookups under way. Those who wait still get their results. */
  abandon(): void;
}

export function createFlights<Result>(): Flights<Result> {
  const flights = new Map<string, { revoked: boolean; landing: Promise<Result> }>();

  return {
    underWay: (id) => flights.get(id)?.landing,
    start(id, look) {
      const flight = { revoked: false };
      const landing = look(flight).finally(() => {
        if (flights.get(id) === entry) flights.delete(id);
      });
      const entry = Object.assign(flight, { landing });
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
