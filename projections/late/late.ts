/**
 * Late events by view: events that came after the end of their tile plus the declared lateness.
 * They are in the history and not in the online values.
 */

import type { LateReport } from '#domain/api/operations.ts';
import { decodeLateEvent, type LateEventRecord } from '#domain/events/late-event.ts';
import { decodeKey } from '#domain/plan/entity-key.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { Log } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import { lateTopic, rawTopic } from '#domain/ports/topics.ts';
import type { Position, RawEvent } from '#domain/values/value.ts';

export const DEFAULT_LIMIT = 100;

export interface LateEvents {
  /** Newest last, at most `limit`. */
  readonly report: (plan: ViewPlan, limit?: number) => Promise<LateReport>;
  /** The positions of the raw events that a generation left out as late, so far. */
  readonly positions: (view: string, generation: number) => Promise<readonly Position[]>;
  /**
   * A test whether a generation left an event out as late; null: it left none out. An event is
   * decided when it is accepted, so a read asks for this after it has read its events.
   */
  readonly leftOut: (
    view: string,
    generation: number,
  ) => Promise<((event: RawEvent) => boolean) | null>;
}

type KeptLateEvent = LateEventRecord & { readonly logTime: number };

interface Kept {
  next: number;
  readonly records: KeptLateEvent[];
  /** by generation: `partition:offset` of its late events */
  readonly positions: Map<number, Set<string>>;
}

const idOf = ({ partition, offset }: Position): string => `${partition}:${offset}`;

export const createLateEvents = (log: Log): LateEvents => {
  /** view → the late events read so far; they are few, and never change */
  const kept = new Map<string, Kept>();

  const read = async (view: string): Promise<Kept> => {
    const topic = lateTopic(view);
    let state = kept.get(view);
    if (state === undefined) {
      state = { next: 0, records: [], positions: new Map() };
      kept.set(view, state);
    }
    for await (const records of readPartition(log, topic, 0, { from: state.next })) {
      for (const record of records) {
        // A concurrent read may have added it.
        if (record.offset < state.next) continue;
        state.next = record.offset + 1;
        const late = decodeLateEvent(record.value);
        const mine = state.positions.get(late.generation) ?? new Set();
        state.positions.set(late.generation, mine);
        // A job that went on from an older checkpoint reports its late events again.
        if (mine.has(idOf(late))) continue;
        mine.add(idOf(late));
        state.records.push({ ...late, logTime: record.logTime });
      }
    }
    return state;
  };

  return {
    async report(plan, limit = DEFAULT_LIMIT) {
      const { records: all } = await read(plan.view);
      return {
        view: plan.view,
        total: all.length,
        records: all.slice(-limit).map((record) => ({
          position: `${rawTopic(plan.source)}@${record.partition}:${record.offset}`,
          logTime: record.logTime,
          eventTime: record.eventTime,
          lateBy: record.lateBy,
          generation: record.generation,
          entity: decodeKey(record.key, plan.keys),
        })),
      };
    },
    positions: async (view, generation) =>
      (await read(view)).records
        .filter((record) => record.generation === generation)
        .map(({ partition, offset }) => ({ partition, offset })),
    async leftOut(view, generation) {
      const positions = (await read(view)).positions.get(generation);
      return positions === undefined ? null : (event) => positions.has(idOf(event));
    },
  };
};
