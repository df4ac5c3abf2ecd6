import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Log } from '@tallystick/common';

/** Logs the first failed export, and the first successful one after it. */
export function reportFailures(exporter: SpanExporter, log: Pick<Log, 'info' | 'warn'>): SpanExporter {
  let isFailing = false;

  function report({ code, error }: ExportResult): void {
    const failed = code === ExportResultCode.FAILED;
    if (failed === isFailing) return;
    isFailing = failed;
    // The message is left out: it may quote the collector's response.
    if (failed) log.warn({ cause: causeOf(error) }, 'trace export failed');
    else log.info({}, 'trace export works again');
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

/** The error's code (which may be an HTTP status), or its name. */
function causeOf(error: Error | undefined): unknown {
  return (error as { code?: unknown } | undefined)?.code ?? error?.name;
}
