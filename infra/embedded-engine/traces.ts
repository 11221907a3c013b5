/**
 * The traces of what a generation computes: one span for each traced append and commit, however
 * many events and entities it has. The span's context is passed on in the headers of the updates;
 * once they are durable, they wait for the read that shows them.
 */

import type { ViewPlan } from '#domain/plan/plan.ts';
import type { LogRecord } from '#domain/ports/log.ts';
import type { TracedUpdates } from '#domain/ports/traced-updates.ts';
import { inTrace, type Span, type TraceContext, type Tracing } from '#domain/ports/tracing.ts';
import type { Row } from '#domain/values/value.ts';

export interface ComputeTracesOptions {
  readonly tracing: Tracing;
  readonly updates: TracedUpdates;
  readonly plan: ViewPlan;
  readonly generation: number;
}

export interface ComputeTraces {
  /** A record with headers was counted. @param commitTime log time of its updates, epoch ms */
  readonly take: (record: LogRecord, row: Row, eventTime: number, commitTime: number) => void;
  /** The headers of an entity's updates; null: no traced event changed it. */
  readonly headersOf: (key: string) => TraceContext | null;
  readonly committed: () => void;
  /** Discards everything since the last commit. */
  readonly rolledBack: () => void;
}

interface Computed {
  readonly span: Span;
  readonly keys: Set<string>;
  events: number;
  eventTime: number;
  readonly logTime: number;
  /** when it became readable */
  commitTime: number;
}

/** An event computed this long after it was accepted is part of a replay or a restart: no span. */
const NEWS_MS = 60_000;

export const createComputeTraces = ({
  tracing,
  updates,
  plan,
  generation,
}: ComputeTracesOptions): ComputeTraces => {
  const byParent = new Map<string, Computed>();
  const byKey = new Map<string, Computed>();

  const begin = (record: LogRecord, parent: TraceContext, commitTime: number): Computed | null => {
    const { topic, partition, offset, logTime } = record;
    const span = tracing.start(`compute ${plan.view}`, {
      kind: 'consumer',
      parent,
      attributes: () => ({
        'messaging.system': 'millrace',
        'messaging.operation.type': 'process',
        'messaging.destination.name': topic,
        'millrace.view': plan.view,
        'millrace.generation': generation,
        'millrace.cause': `${topic}@${partition}:${offset}`,
        'millrace.log_time': new Date(logTime).toISOString(),
      }),
    });
    if (span === null) return null;
    const computed = {
      span,
      keys: new Set<string>(),
      events: 0,
      eventTime: Number.NEGATIVE_INFINITY,
      logTime,
      commitTime,
    };
    byParent.set(parent.traceparent, computed);
    return computed;
  };

  const clear = (): void => {
    byParent.clear();
    byKey.clear();
  };

  return {
    take(record, row, eventTime, commitTime) {
      const parent = inTrace(record.headers ?? {});
      if (parent === null || commitTime - record.logTime > NEWS_MS) return;
      const key = plan.keyOf(row);
      if (key === null) return;
      const computed = byParent.get(parent.traceparent) ?? begin(record, parent, commitTime);
      if (computed === null) return;
      computed.events++;
      computed.eventTime = Math.max(computed.eventTime, eventTime);
      computed.keys.add(key);
      byKey.set(key, computed);
    },
    headersOf: (key) => byKey.get(key)?.span.context ?? null,
    committed() {
      if (byParent.size === 0) return;
      for (const { span, keys, events, eventTime, logTime, commitTime } of byParent.values()) {
        span.end({
          attributes: {
            'millrace.events': events,
            'millrace.entities': keys.size,
            'millrace.event_time': new Date(eventTime).toISOString(),
          },
        });
        const { context } = span;
        updates.note({
          view: plan.view,
          generation,
          keys: [...keys],
          context,
          eventTime,
          logTime,
          readableAt: commitTime,
        });
      }
      clear();
    },
    rolledBack() {
      for (const { span } of byParent.values()) span.end({ error: new Error('the commit failed') });
      clear();
    },
  };
};
