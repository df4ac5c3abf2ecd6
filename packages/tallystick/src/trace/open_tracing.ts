import type { Log } from '@tallystick/common';
import type { Tracing } from '@tallystick/gateway';
import { ConfigError } from '../config/config_error.ts';
import type { Config } from '../config/schema.ts';

/** Milliseconds for one export, and for the last export when tracing stops. */
const EXPORT_TIMEOUT = 5_000;

/** Milliseconds between two exports. */
const EXPORT_INTERVAL = 1_000;

/** Packages that a user of tracing installs. Each is an optional peer dependency, with this version. */
const PEERS = [
  '@opentelemetry/core@2',
  '@opentelemetry/exporter-trace-otlp-http@0.223',
  '@opentelemetry/resources@2',
  '@opentelemetry/sdk-trace@2',
];

export interface OpenTracing {
  readonly tracing: Tracing;
  /** Exports the remaining spans. */
  stop(): Promise<void>;
}

/**
 * Exports traces to a collector with OTLP over HTTP. OpenTelemetry is loaded only if this function is called.
 *
 * @throws {ConfigError} OpenTelemetry is not installed
 */
export async function openTracing(
  { endpoint, serviceName, sampleRatio }: NonNullable<Config['gateway']['tracing']>,
  { log }: { log: Pick<Log, 'info' | 'warn'> },
): Promise<OpenTracing> {
  const { createTracing } = await import('@tallystick/gateway/tracing');
  const { W3CTraceContextPropagator, OTLPTraceExporter, resourceFromAttributes, sdk } = await loadOpenTelemetry();
  const { reportFailures } = await import('./report_failures.ts');
  const exporter = reportFailures(new OTLPTraceExporter({ url: endpoint, timeoutMillis: EXPORT_TIMEOUT }), log);
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(sampleRatio) }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter, scheduledDelayMillis: EXPORT_INTERVAL })],
  });
  const tracer = provider.getTracer('tallystick');
  return {
    tracing: createTracing({ tracer, propagator: new W3CTraceContextPropagator() }),
    stop: () => withinTimeout(provider.shutdown()),
  };
}

/** Loads the optional peer dependencies. */
async function loadOpenTelemetry() {
  try {
    const [{ W3CTraceContextPropagator }, { OTLPTraceExporter }, { resourceFromAttributes }, sdk] = await Promise.all([
      import('@opentelemetry/core'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/sdk-trace'),
    ]);
    return { W3CTraceContextPropagator, OTLPTraceExporter, resourceFromAttributes, sdk };
  } catch (error) {
    const [, missing] =
      /^Cannot find (?:module|package) '(@opentelemetry\/[^']+)'/.exec((error as Error).message) ?? [];
    if (missing === undefined) throw error;
    throw new ConfigError('the configuration', [
      `gateway.tracing: expected OpenTelemetry to be installed; found no ${missing}. Run npm install ${PEERS.join(' ')}`,
    ]);
  }
}

/** Resolves when tracing has stopped, or after the timeout: unsent spans must not keep a gateway running. */
async function withinTimeout(stopping: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, EXPORT_TIMEOUT);
  });
  // The exporter has already logged a failure.
  await Promise.race([stopping.catch(() => {}), timedOut]);
  clearTimeout(timer);
}
