import { AggregatorRegistry, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { IntrospectionLoad } from '../authorization_server/introspect.ts';
import type { Decision } from '../decision.ts';
import { UpstreamError } from '../http/errors.ts';
import type { Route } from '../routes/route.ts';
import type { UpstreamHealth } from '../routes/upstream_pool.ts';
import type { CacheSize } from '../tokens/token_cache.ts';

/** The current state of a gateway, read when metrics are exposed. */
export interface MetricSource {
  /** By issuer identifier, for issuers with introspection. */
  introspectionLoads(): ReadonlyMap<string, IntrospectionLoad>;
  cacheSize(): CacheSize;
  feedState(): FeedState;
  upstreamHealth(): readonly RouteHealth[];
}

/** The state of the revocation feed. */
export interface FeedState {
  /** Whether the feed is connected. */
  readonly isUp: boolean;
  /** The longest delay of a message in milliseconds, as measured by the last check of the connection. */
  readonly lag: number;
}

/** Counts and times the work of the gateways in this process, for Prometheus. No label value comes from a request. */
export interface Metrics {
  /** Counts a request at its end. */
  decided(decision: Decision): void;
  /** An upstream began to answer. @param route its name @param seconds since the request was sent */
  upstreamAnswered(route: string, seconds: number): void;
  /** An introspection ended. @param seconds since it was requested, including the time in the queue */
  introspected(issuer: string, outcome: IntrospectionOutcome, seconds: number): void;
  revocationHeard(): void;
  /** Replaces the source of the current state, when a gateway with another configuration takes over. */
  watch(source: MetricSource): void;
  expose(): Promise<Exposition>;
  /** The current values, to be aggregated with those of other processes. */
  snapshot(): Promise<MetricsSnapshot>;
}

/** Metrics in the text format of Prometheus. */
export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/** Plain data that can be sent to another process. */
export type MetricsSnapshot = readonly object[];

/** Aggregates the metrics of several processes that serve as one gateway. */
export async function exposeTogether(snapshots: readonly MetricsSnapshot[]): Promise<Exposition> {
  const registry = AggregatorRegistry.aggregate([...snapshots] as object[]);
  return { contentType: registry.contentType, text: await registry.metrics() };
}

export type IntrospectionOutcome = 'active' | 'inactive' | 'failed';

const prefix = 'tallystick_gateway';

/** In seconds: from the upstream of a cache hit to a timeout. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function createMetrics(): Metrics {
  const registry = new Registry();
  let source: MetricSource | undefined;
  registerGauges(registry, () => source);
  return {
    ...createRecorders(registry),
    watch(watched) {
      source = watched;
    },
    snapshot: () => registry.getMetricsAsJSON() as Promise<MetricsSnapshot>,
    expose: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}

type Recorders = Pick<Metrics, 'decided' | 'upstreamAnswered' | 'introspected' | 'revocationHeard'>;

/** Counters and histograms, which events update. */
function createRecorders(registry: Registry): Recorders {
  const registers = [registry];
  const decisions = new Counter({
    name: `${prefix}_decisions_total`,
    help: 'Requests by route, access token style, outcome (forwarded, or the error code) and source of the JWT.',
    labelNames: ['route', 'style', 'outcome', 'cache'],
    registers,
  });
  const upstreamSeconds = new Histogram({
    name: `${prefix}_upstream_seconds`,
    help: 'Time from sending a request to an upstream until its response begins.',
    labelNames: ['route'],
    buckets,
    registers,
  });
  const upstreamFailures = new Counter({
    name: `${prefix}_upstream_failures_total`,
    help: 'Requests without a response from an upstream, by kind of failure.',
    labelNames: ['route', 'failure'],
    registers,
  });
  const introspectionSeconds = new Histogram({
    name: `${prefix}_introspection_seconds`,
    help: 'Duration of introspections, including the time in the queue.',
    labelNames: ['issuer', 'outcome'],
    buckets,
    registers,
  });
  const revocations = new Counter({
    name: `${prefix}_revocations_total`,
    help: 'Revocations received on the feed.',
    registers,
  });
  return {
    decided({ route, cache, error }) {
      const outcome = error?.code ?? 'forwarded';
      const name = route?.forwarding.routeName ?? '';
      decisions.inc({ route: name, style: route?.accessTokens ?? '', outcome, cache });
      if (error instanceof UpstreamError) upstreamFailures.inc({ route: name, failure: error.failure });
    },
    upstreamAnswered: (route, seconds) => upstreamSeconds.observe({ route }, seconds),
    introspected: (issuer, outcome, seconds) => introspectionSeconds.observe({ issuer, outcome }, seconds),
    revocationHeard: () => revocations.inc(),
  };
}

/** A metric that is read from the current state when metrics are exposed. */
interface GaugeDefinition {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
  /** Combines the values of several processes. */
  readonly aggregator: 'sum' | 'min' | 'max';
  read(source: MetricSource, set: (value: number, labels?: Readonly<Record<string, string>>) => void): void;
}

const gauges: readonly GaugeDefinition[] = [
  {
    name: 'introspections',
    help: 'Introspections in progress and in the queue.',
    labelNames: ['issuer', 'state'],
    aggregator: 'sum',
    read(source, set) {
      for (const [issuer, { running, waiting }] of source.introspectionLoads()) {
        set(running, { issuer, state: 'running' });
        set(waiting, { issuer, state: 'waiting' });
      }
    },
  },
  {
    name: 'circuit_open',
    help: '1 while the circuit breaker of an authorization server is open.',
    labelNames: ['issuer'],
    aggregator: 'max',
    read(source, set) {
      for (const [issuer, { circuit }] of source.introspectionLoads()) set(circuit === 'closed' ? 0 : 1, { issuer });
    },
  },
  {
    name: 'cache_entries',
    help: 'JWTs in the first-level cache.',
    aggregator: 'sum',
    read: (source, set) => set(source.cacheSize().entries),
  },
  {
    name: 'cache_bytes',
    help: 'Approximate cache size in bytes.',
    aggregator: 'sum',
    read: (source, set) => set(source.cacheSize().bytes),
  },
  {
    name: 'cache_inactive_entries',
    help: 'Invalid tokens in the negative cache.',
    aggregator: 'sum',
    read: (source, set) => set(source.cacheSize().inactive),
  },
  {
    name: 'revocation_feed_up',
    help: '1 while the revocation feed is connected; otherwise nothing is cached.',
    aggregator: 'min',
    read: (source, set) => set(source.feedState().isUp ? 1 : 0),
  },
  {
    name: 'revocation_feed_lag_seconds',
    help: 'The longest delay of a revocation, as measured by the last check.',
    aggregator: 'max',
    read: (source, set) => set(source.feedState().lag / 1000),
  },
  {
    name: 'upstream_up',
    help: '0 while a failed upstream is skipped.',
    labelNames: ['route', 'upstream'],
    aggregator: 'min',
    read(source, set) {
      for (const { host = '', prefix, upstreams } of source.upstreamHealth()) {
        for (const { origin, isHealthy } of upstreams)
          set(isHealthy ? 1 : 0, { route: host + prefix, upstream: origin });
      }
    },
  },
];

/** @param currentSource undefined before the first gateway */
function registerGauges(registry: Registry, currentSource: () => MetricSource | undefined): void {
  for (const { name, help, labelNames = [], aggregator, read } of gauges) {
    new Gauge({
      name: `${prefix}_${name}`,
      help,
      labelNames: [...labelNames],
      aggregator,
      registers: [registry],
      collect() {
        this.reset();
        const source = currentSource();
        if (source) read(source, (value, labels) => (labels ? this.set(labels, value) : this.set(value)));
      },
    });
  }
}

/** The upstreams of one route, identified by its host and prefix. */
export interface RouteHealth {
  readonly host: string | undefined;
  readonly prefix: string;
  readonly upstreams: readonly UpstreamHealth[];
}

export function upstreamHealth(routes: readonly Route[]): RouteHealth[] {
  return routes.map(({ host, prefix, forwarding }) => ({ host, prefix, upstreams: forwarding.upstreams.health() }));
}
