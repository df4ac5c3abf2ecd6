import { AggregatorRegistry, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { IntrospectionLoad } from '../authorization_server/introspect.ts';
import type { Decision } from '../decision.ts';
import { UpstreamError } from '../http/errors.ts';
import type { Route } from '../routes/route.ts';
import type { UpstreamHealth } from '../routes/upstream_pool.ts';
import type { CacheSize } from '../tokens/token_cache.ts';

/** What a gateway knows about itself at the moment. */
export interface MetricSource {
  /** By issuer identifier; of those that are introspected at. */
  introspectionLoads(): ReadonlyMap<string, IntrospectionLoad>;
  cacheSize(): CacheSize;
  feedState(): FeedState;
  upstreamHealth(): readonly RouteHealth[];
}

export interface FeedState {
  /** Whether revocations are heard. */
  readonly isUp: boolean;
  /** Milliseconds that the last check of the connection took: no message on it is later than that. */
  readonly lag: number;
}

/** Counts and times what gateways of this process do, for Prometheus. No label is taken from a request. */
export interface Metrics {
  /** A request is over. @param decision what was decided about it */
  decided(decision: Decision): void;
  /** An API began to answer. @param route its name @param seconds since the request was sent to it */
  upstreamAnswered(route: string, seconds: number): void;
  /** An introspection is over. @param seconds since it was asked for, the wait for its turn included */
  introspected(issuer: string, outcome: IntrospectionOutcome, seconds: number): void;
  revocationHeard(): void;
  /** From now on this is looked at when somebody asks: a gateway with another configuration took over. */
  watch(source: MetricSource): void;
  expose(): Promise<Exposition>;
  /** The values as they are, to be put together with those of other processes. */
  snapshot(): Promise<MetricsSnapshot>;
}

/** In the text format of Prometheus. */
export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/** Plain data, which can be sent to another process. */
export type MetricsSnapshot = readonly object[];

/** One exposition for several processes that serve as one gateway. */
export async function exposeTogether(snapshots: readonly MetricsSnapshot[]): Promise<Exposition> {
  const registry = AggregatorRegistry.aggregate([...snapshots] as object[]);
  return { contentType: registry.contentType, text: await registry.metrics() };
}

export type IntrospectionOutcome = 'active' | 'inactive' | 'failed';

const prefix = 'tallystick_gateway';

/** Seconds: from a cache hit's upstream to a timeout. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function createMetrics(): Metrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  let source: MetricSource | undefined;

  const decisions = new Counter({
    name: `${prefix}_decisions_total`,
    help: 'Requests, by route, access token style, what was decided (forwarded, or the error) and where the JWT came from.',
    labelNames: ['route', 'style', 'outcome', 'cache'],
    registers,
  });
  const upstreamSeconds = new Histogram({
    name: `${prefix}_upstream_seconds`,
    help: 'From sending a request to an API until its answer begins.',
    labelNames: ['route'],
    buckets,
    registers,
  });
  const upstreamFailures = new Counter({
    name: `${prefix}_upstream_failures_total`,
    help: 'Requests that an upstream failed to answer, by what went wrong.',
    labelNames: ['route', 'failure'],
    registers,
  });
  const introspectionSeconds = new Histogram({
    name: `${prefix}_introspection_seconds`,
    help: 'Introspections, the wait for a turn included.',
    labelNames: ['issuer', 'outcome'],
    buckets,
    registers,
  });
  const revocations = new Counter({
    name: `${prefix}_revocations_total`,
    help: 'Revocations heard on the feed.',
    registers,
  });

  /** A value that is read when somebody asks. */
  function gauge<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    ofSeveral: 'sum' | 'min' | 'max',
    read: (known: MetricSource, set: (value: number, labels?: Record<Label, string>) => void) => void,
  ): void {
    new Gauge({
      name: `${prefix}_${name}`,
      help,
      labelNames: [...labelNames],
      aggregator: ofSeveral,
      registers,
      collect() {
        this.reset();
        if (source) read(source, (value, labels) => (labels ? this.set(labels as never, value) : this.set(value)));
      },
    });
  }

  gauge(
    'introspections',
    'Introspections under way and waiting for a turn.',
    ['issuer', 'state'],
    'sum',
    (known, set) => {
      for (const [issuer, { running, waiting }] of known.introspectionLoads()) {
        set(running, { issuer, state: 'running' });
        set(waiting, { issuer, state: 'waiting' });
      }
    },
  );
  gauge(
    'circuit_open',
    '1 while an authorization server that was down is left alone.',
    ['issuer'],
    'max',
    (known, set) => {
      for (const [issuer, { circuit }] of known.introspectionLoads()) set(circuit === 'closed' ? 0 : 1, { issuer });
    },
  );
  gauge('cache_entries', 'JWTs in the first-level cache.', [], 'sum', (known, set) => set(known.cacheSize().entries));
  gauge('cache_bytes', 'What they take, in bytes.', [], 'sum', (known, set) => set(known.cacheSize().bytes));
  gauge('cache_inactive_entries', 'Tokens that were found to be no good.', [], 'sum', (known, set) =>
    set(known.cacheSize().inactive),
  );
  gauge('revocation_feed_up', '1 while revocations are heard; otherwise nothing is cached.', [], 'min', (known, set) =>
    set(known.feedState().isUp ? 1 : 0),
  );
  gauge(
    'revocation_feed_lag_seconds',
    'How late a revocation is heard, at most, by the last check.',
    [],
    'max',
    (known, set) => set(known.feedState().lag / 1000),
  );
  gauge('upstream_up', '0 while an upstream that failed is left alone.', ['route', 'upstream'], 'min', (known, set) => {
    for (const { host = '', prefix, upstreams } of known.upstreamHealth()) {
      for (const { origin, isHealthy } of upstreams) set(isHealthy ? 1 : 0, { route: host + prefix, upstream: origin });
    }
  });

  return {
    decided({ route, cache, error }) {
      const outcome = error?.code ?? 'forwarded';
      const name = route?.forwarding.routeName ?? '';
      decisions.inc({ route: name, style: route?.style ?? '', outcome, cache });
      if (error instanceof UpstreamError) upstreamFailures.inc({ route: name, failure: error.failure });
    },
    upstreamAnswered: (route, seconds) => upstreamSeconds.observe({ route }, seconds),
    introspected: (issuer, outcome, seconds) => introspectionSeconds.observe({ issuer, outcome }, seconds),
    revocationHeard: () => revocations.inc(),
    watch(watched) {
      source = watched;
    },
    snapshot: () => registry.getMetricsAsJSON() as Promise<MetricsSnapshot>,
    expose: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}

/** The upstreams of one route, which is known by its place. */
export interface RouteHealth {
  readonly host: string | undefined;
  readonly prefix: string;
  readonly upstreams: readonly UpstreamHealth[];
}

export function upstreamHealth(routes: readonly Route[]): RouteHealth[] {
  return routes.map(({ host, prefix, forwarding }) => ({ host, prefix, upstreams: forwarding.upstreams.health() }));
}
