/**
 * Joins one part of a pass: some entities, all their events, and the rows of each view that are of
 * them. It depends on nothing else, so it runs in any thread.
 *
 * A part's events fit in memory, but for those of entities that have more than their share. Then
 * they are read from the part's file in spans of time.
 */
import { type ResultValues, resultValues } from '#domain/training-sets/columns.ts';
import { eventFields } from '#domain/training-sets/event-fields.ts';
import {
  type EntityEvents,
  joinPointInTime,
  type PointInTimeJoin,
} from '#domain/training-sets/point-in-time-join.ts';
import { type StatusCodes, statusCodes } from '#domain/training-sets/statuses.ts';
import { planFeatures, type ViewDefinitions } from '#domain/training-sets/training-set-plan.ts';
import type { FieldType, Position } from '#domain/values/value.ts';
import { readBlocks } from './block-file.ts';
import { type EventBlock, eventsOf, someOf, type Texts } from './event-blocks.ts';

/** What is computed of a view: plain data. */
export interface ViewTask {
  readonly definitions: ViewDefinitions;
  /** names of the features; those that the view does not have are ignored */
  readonly features: readonly string[];
  readonly outputs: readonly {
    /** index of the plan's feature */
    readonly feature: number;
    /** index of the training set's planned value */
    readonly value: number;
    readonly type: FieldType;
    readonly withStatus: boolean;
  }[];
  readonly excluded: readonly Position[];
  readonly withMarks: boolean;
}

/** Rows of a view in a part, by time. */
export interface PartRows {
  readonly view: ViewTask;
  readonly ids: Int32Array;
  readonly times: Float64Array;
}

export type PartEvents =
  | { readonly blocks: readonly EventBlock[] }
  | { readonly file: string; readonly count: number };

export interface Part {
  readonly entities: number;
  readonly events: PartEvents;
  readonly texts: Texts;
  readonly views: readonly PartRows[];
  readonly halfOpen: boolean;
  /** how many events are in memory at once; a span has more where they are of one time */
  readonly spanEvents: number;
}

/** Of a view, by row of the part. */
export interface PartResult {
  /** by output of the task */
  readonly values: readonly ResultValues[];
  readonly statuses: readonly (StatusCodes | null)[];
  readonly marks: Float64Array | null;
}

/** One of so many events is looked at to find the spans. */
const SAMPLE = 64;

/** Times at which spans end, with about as many events in each. */
const spanEnds = (file: string, spans: number): readonly number[] => {
  const seen: number[] = [];
  for (const { visible } of readBlocks(file))
    for (let i = 0; i < visible.length; i += SAMPLE) seen.push(visible[i] as number);
  seen.sort((a, b) => a - b);
  const ends = Array.from(
    { length: spans - 1 },
    (_, i) => seen[Math.floor(((i + 1) * seen.length) / spans)] as number,
  );
  return [...new Set(ends), Number.POSITIVE_INFINITY];
};

/** The events of the file that are visible in [from, before). */
const within = (file: string, from: number, before: number): EventBlock[] => {
  const blocks: EventBlock[] = [];
  for (const block of readBlocks(file)) {
    const { visible } = block;
    const rows = new Uint32Array(visible.length);
    let count = 0;
    for (let row = 0; row < visible.length; row++) {
      const time = visible[row] as number;
      if (time >= from && time < before) rows[count++] = row;
    }
    if (count > 0) blocks.push(count === rows.length ? block : someOf(block, rows.slice(0, count)));
  }
  return blocks;
};

function* spansOf({
  events,
  texts,
  spanEvents,
}: Part): Generator<readonly [EntityEvents, boolean]> {
  if ('blocks' in events) {
    yield [eventsOf(events.blocks, texts), true];
    return;
  }
  const spans = Math.ceil(events.count / spanEvents);
  let from = Number.NEGATIVE_INFINITY;
  for (const end of spans > 1 ? spanEnds(events.file, spans) : [Number.POSITIVE_INFINITY]) {
    yield [eventsOf(within(events.file, from, end), texts), end === Number.POSITIVE_INFINITY];
    from = end;
  }
}

/** @returns what each view's rows are, and the join that fills them */
const joinOf = (
  { view, ids, times }: PartRows,
  { entities, halfOpen }: Part,
): { readonly result: PartResult; readonly join: PointInTimeJoin } => {
  const { definitions, features, outputs, excluded, withMarks } = view;
  const plan = planFeatures(definitions, features);
  const rows = ids.length;
  const result = {
    values: outputs.map(({ type }) => resultValues(type, rows)),
    statuses: outputs.map(({ withStatus }) => (withStatus ? statusCodes(rows) : null)),
    marks: withMarks ? new Float64Array(rows) : null,
  };
  const join = joinPointInTime(
    {
      plan,
      fields: fieldsOf(view),
      outputs: outputs.map(({ feature }, i) => {
        const statuses = result.statuses[i] ?? null;
        return {
          feature,
          values: result.values[i] as ResultValues,
          ...(statuses === null ? {} : { statuses }),
        };
      }),
      excluded,
      ...(result.marks === null ? {} : { marks: result.marks }),
    },
    { entities, ids, times, halfOpen },
  );
  return { result, join };
};

/** The fields that a view's events need, beside those of its keys. */
export const fieldsOf = ({ definitions, features }: Pick<ViewTask, 'definitions' | 'features'>) =>
  eventFields([{ definitions, features }], { keys: false });

/** By view of the part. */
export const joinPart = (part: Part): readonly PartResult[] => {
  const joins = part.views.map((rows) => joinOf(rows, part));
  for (const [events, isLast] of spansOf(part))
    for (const { join } of joins) join.feed(events, isLast);
  return joins.map(({ result }) => result);
};
