/**
 * A platform whose publishing and reading are told as spans, where the request that asks is traced:
 *
 *   publish <source> its context travels in the headers of the raw records that it appends
 *   read <what> the stores that it asks are spans within it
 *   shown <view> in the trace of an event: the first read that shows what the event changed, linked
 *   to that read
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

/** Where spans are told, and the traced updates that wait for the read that shows them. */
export interface Traces {
  readonly tracing: Tracing;
  /** what the log is, by OpenTelemetry's names of messaging systems */
  readonly system: string;
  readonly updates: TracedUpdates;
}

export const tracesOf = (
  tracing: Tracing | null | undefined,
  system: string,
): Traces | undefined =>
  tracing == null ? undefined : { tracing, system, updates: createTracedUpdates() };

export interface TracedPlatformOptions extends Traces {
  readonly views: Pick<ServingViews, 'live'>;
  readonly now: () => number;
}

const whatOf = ({ service }: ReadRequest, { views }: ReadResult): string =>
  service ?? views.map(({ view }) => view).join(',');

const isPresent = ({ at, known }: ReadRequest): boolean => at === undefined && known === undefined;

export const traceAreas = (
  { publishing, serving }: Pick<Areas, 'publishing' | 'serving'>,
  { tracing, system, updates, views, now }: TracedPlatformOptions,
): Pick<Areas, 'publishing' | 'serving'> => {
  const tellShown = (update: TracedUpdate, read: Span | null): void => {
    const time = now();
    const { view, generation, eventTime, logTime, readableAt, context } = update;
    const span = tracing.start(`shown ${view}`, {
      parent: context,
      // by the machine's clock a read may seem to come before what it shows
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

  /** What this read is the first to show. */
  const tellWhatIsShown = (
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
      for (const update of updates.shown(view, generation, keys, mark)) tellShown(update, read);
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
      if (isPresent(request)) tellWhatIsShown(request, result, mark, span);
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
        if (isPresent(request)) tellWhatIsShown(request, result, mark, null);
        return result;
      },
    },
  };
};
