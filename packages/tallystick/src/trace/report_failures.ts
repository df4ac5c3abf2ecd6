import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';

/** Logs when spans can no longer be sent, and when they can again: one line each, however many are lost between them. */
export function reportFailures(exporter: SpanExporter, log: Pick<Logger, 'info' | 'warn'>): SpanExporter {
  let isFailing = false;

  function report({ code, error }: ExportResult): void {
    const failed = code === ExportResultCode.FAILED;
    if (failed === isFailing) return;
    isFailing = failed;
    // The message may quote what the collector answered.
    if (failed) log.warn({ cause: causeOf(error) }, 'traces cannot be sent to the collector');
    else log.info('traces are sent to the collector again');
  }

  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        report(result);
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}

/** Its `code`, a status too, or its name. */
function causeOf(error: Error | undefined): unknown {
  return (error as { code?: unknown } | undefined)?.code ?? error?.name;
}
