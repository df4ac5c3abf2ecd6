import type { Tracing } from '@tallystick/gateway';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';

/** Milliseconds that one try to reach the collector may take, and that stopping waits for the last one. */
const PATIENCE = 5_000;

/** Milliseconds for which spans are collected before they are sent together. */
const BATCHING = 1_000;

export interface OpenTracing {
  readonly tracing: Tracing;
  /** Sends what was not sent yet. */
  stop(): Promise<void>;
}

/** Traces that go to a collector by OTLP over HTTP. OpenTelemetry is loaded here, and so only where it is configured. */
export async function openTracing(
  { endpoint, serviceName, sampleRatio }: NonNullable<Config['gateway']['tracing']>,
  { log }: { log: Pick<Logger, 'info' | 'warn'> },
): Promise<OpenTracing> {
  const [{ createTracing }, { W3CTraceContextPropagator }, { OTLPTraceExporter }, { resourceFromAttributes }, sdk] =
    await Promise.all([
      import('@tallystick/gateway/tracing'),
      import('@opentelemetry/core'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/sdk-trace'),
    ]);
  const { reportFailures } = await import('./report_failures.ts');
  const exporter = reportFailures(new OTLPTraceExporter({ url: endpoint, timeoutMillis: PATIENCE }), log);
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(sampleRatio) }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter, scheduledDelayMillis: BATCHING })],
  });
  const tracer = provider.getTracer('tallystick');
  return {
    tracing: createTracing({ tracer, propagator: new W3CTraceContextPropagator() }),
    stop: () => settled(provider.shutdown()),
  };
}

/** Resolves when it is done, or when it took too long: what a gateway did not get to say is no reason for it to stay. */
async function settled(stopping: Promise<void>): Promise<void> {
  let giveUp: NodeJS.Timeout | undefined;
  const tookTooLong = new Promise<void>((resolve) => {
    giveUp = setTimeout(resolve, PATIENCE);
  });
  // The failure was logged when it happened.
  await Promise.race([stopping.catch(() => {}), tookTooLong]);
  clearTimeout(giveUp);
}
