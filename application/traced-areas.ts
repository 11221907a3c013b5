/**
 * Publishing and serving with spans, where the caller's request is traced:
 *
 * | span | content |
 * |---|---|
 * | `publish <source>` | its context goes with the raw records, in their headers |
 * | `read <what>` | the reads of stores are spans within it |
 * | `shown <view>` | the first read that shows an event, in the trace of the event |
 */

import type { Caller } from '#domain/api/caller.ts';
import type { Areas } from '#domain/api/platform.ts';
import type { ReadRequest, ReadResult } from '#domain/api/serving.ts';
import { keyOfEntity } from '#domain/plan/entity-key.ts';
import type { ServingViews } from '#domain/ports/served-view.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import type { TracedUpdate, TracedUpdates } from '#domain/ports/traced-updates.ts';
import { inSpan, type Span, type Tracing } from '#domain/ports/tracing.ts';
import { createTracedUpdates } from '#projections/serving/traced-updates.ts';

/** The tracer, and the traced updates that no read has shown yet. */
export interface Traces {
  readonly tracing: Tracing;
  /** the log, as OpenTelemetry names messaging systems */
  readonly system: string;
  readonly updates: TracedUpdates;
}

export const tracesOf = (
  tracing: Tracing | null | undefined,
  system: string,
): Traces | undefined =>
  tracing == null ? undefined : { tracing, system, updates: createTracedUpdates() };

interface TraceAreasOptions extends Traces {
  readonly views: Pick<ServingViews, 'live'>;
  readonly now: () => number;
}

const whatOf = ({ service }: ReadRequest, { views }: ReadResult): string =>
  service ?? views.map(({ view }) => view).join(',');

const isPresent = ({ at, known }: ReadRequest): boolean => at === undefined && known === undefined;

export const traceAreas = (
  { publishing, serving }: Pick<Areas, 'publishing' | 'serving'>,
  { tracing, system, updates, views, now }: TraceAreasOptions,
): Pick<Areas, 'publishing' | 'serving'> => {
  const recordShown = (update: TracedUpdate, read: Span | null): void => {
    const time = now();
    const { view, generation, eventTime, logTime, readableAt, context } = update;
    const span = tracing.start(`shown ${view}`, {
      parent: context,
      // Clocks of several machines may differ: a span must not end before it starts.
      startedAt: Math.min(readableAt, time),
      attributes: () => ({
        'millrace.view': view,
        'millrace.generation': generation,
        'millrace.event_time': new Date(eventTime).toISOString(),
        'millrace.log_time': new Date(logTime).toISOString(),
        'millrace.delay.event_to_read_ms': time - eventTime,
        'millrace.delay.log_to_read_ms': time - logTime,
        'millrace.delay.readable_to_read_ms': time - readableAt,
      }),
      ...(read === null ? {} : { links: [read.context] }),
    });
    span?.end({ at: time });
    if (span !== null) read?.link(span.context);
  };

  /** Records the updates that this read is the first to show. */
  const recordShownBy = (
    request: ReadRequest,
    result: ReadResult,
    mark: number,
    read: Span | null,
  ): void => {
    for (const { view, generation } of result.views) {
      if (!updates.waits(view)) continue;
      const served = views.live(view);
      if (served === null || served === 'filling') continue;
      const keys = request.entities.map((entity) => keyOfEntity(served.plan, entity));
      for (const update of updates.shown(view, generation, keys, mark)) recordShown(update, read);
    }
  };

  const tracedRead = async (
    request: ReadRequest,
    caller: Caller | undefined,
    span: Span,
  ): Promise<ReadResult> => {
    const mark = updates.mark();
    return inSpan(tracing, span, async () => {
      const result = await serving.read(request, caller);
      span.rename(`read ${whatOf(request, result)}`);
      span.set({
        'millrace.rows': result.values.length,
        'millrace.features': result.features.length,
      });
      if (isPresent(request)) recordShownBy(request, result, mark, span);
      return result;
    });
  };

  return {
    publishing: {
      ...publishing,
      async publish(request, caller) {
        const span =
          caller.trace === undefined
            ? null
            : tracing.start('publish', {
                kind: 'producer',
                parent: caller.trace,
                attributes: () => ({
                  'messaging.system': system,
                  'messaging.operation.type': 'send',
                  'messaging.batch.message_count': request.events.length,
                }),
              });
        if (span === null) return publishing.publish(request, caller);
        return inSpan(tracing, span, async () => {
          const result = await publishing.publish(request, { ...caller, trace: span.context });
          span.rename(`publish ${request.source}`);
          span.set({
            'messaging.destination.name': rawTopic(request.source),
            'millrace.position': result.position,
            'millrace.accepted': result.accepted,
            'millrace.duplicates': result.duplicates,
            'millrace.rejected': result.rejected.length,
          });
          return result;
        });
      },
    },
    serving: {
      ...serving,
      async read(request, caller) {
        const span =
          caller?.trace === undefined ? null : tracing.start('read', { parent: caller.trace });
        if (span !== null) return tracedRead(request, caller, span);
        const mark = updates.mark();
        const result = await serving.read(request, caller);
        if (isPresent(request)) recordShownBy(request, result, mark, null);
        return result;
      },
    },
  };
};
