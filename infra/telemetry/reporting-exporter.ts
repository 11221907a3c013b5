/**
 * An exporter that says once that spans can't be sent, and once that they can again. Those that
 * could not be are gone; nobody waits for them.
 */
import type { SpanExporter } from '@opentelemetry/sdk-trace';

type ExportResult = Parameters<Parameters<SpanExporter['export']>[1]>[0];

const SUCCESS = 0;

export const tellingExporter = (
  exporter: SpanExporter,
  where: string,
  warn: (message: string) => void,
): SpanExporter => {
  let failing = false;
  const tell = ({ code, error }: ExportResult): void => {
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
        tell(result);
        done({ code: SUCCESS });
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
};
