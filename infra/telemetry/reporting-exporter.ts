/**
 * An exporter that warns once when spans cannot be sent, and once when they can again. Spans that
 * could not be sent are dropped.
 */
import type { SpanExporter } from '@opentelemetry/sdk-trace';

type ExportResult = Parameters<Parameters<SpanExporter['export']>[1]>[0];

const SUCCESS = 0;

export const reportingExporter = (
  exporter: SpanExporter,
  where: string,
  warn: (message: string) => void,
): SpanExporter => {
  let failing = false;
  const report = ({ code, error }: ExportResult): void => {
    if (code !== SUCCESS && !failing)
      warn(
        `traces can't be sent to ${where} and are dropped: ${error?.message ?? 'no reason was given'}`,
      );
    if (code === SUCCESS && failing) warn(`traces are sent to ${where} again`);
    failing = code !== SUCCESS;
  };
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        report(result);
        done({ code: SUCCESS });
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
};
