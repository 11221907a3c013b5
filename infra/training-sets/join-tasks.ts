/** The parts of a pass: which rows each view answers, and which of them are in a part. */
import { coveredFrom } from '#domain/plan/covered-from.ts';
import { refuseTrimmed } from '#domain/sources/horizon.ts';
import { grouping } from '#domain/training-sets/grouping.ts';
import { formatTime } from '#domain/values/time.ts';
import type { EventScan } from './event-files.ts';
import { type EntityGroup, entitiesIn, type SplitEvents } from './event-parts.ts';
import {
  fieldsOf,
  type Part,
  type PartEvents,
  type PartResult,
  type PartRows,
} from './join-part.ts';
import type { PlannedPass, PlannedView } from './passes.ts';
import { putPart, type Results } from './results.ts';

export interface JoinSpine {
  /** epoch ms, by row */
  readonly times: Float64Array;
  /** the rows by time */
  readonly order: Uint32Array;
  readonly halfOpen: boolean;
}

/** A view with the rows that it answers, by time. */
export interface AnsweringView extends PlannedView {
  readonly rows: Uint32Array;
}

/** @throws MR_HISTORY_TRIMMED where a value at the earliest time counts deleted events */
const refuseDeleted = ({ source, raw }: EventScan, { plan }: PlannedView, earliest: number) => {
  const { horizon } = raw;
  if (horizon !== undefined && coveredFrom(plan, earliest) < horizon)
    refuseTrimmed(
      source.name,
      horizon,
      `The values of "${plan.view}" at ${formatTime(earliest)} count events from before that`,
    );
};

export const answering = (
  { scan, views }: PlannedPass,
  spine: JoinSpine,
): readonly AnsweringView[] =>
  views.flatMap((view) => {
    const { covers } = view;
    const rows =
      covers === null
        ? spine.order
        : spine.order.filter((row) => covers(spine.times[row] as number));
    if (rows.length === 0) return [];
    refuseDeleted(scan, view, spine.times[rows[0] as number] as number);
    return [{ ...view, rows }];
  });

/** The views by what their entities are in events. */
export const groupsOf = (
  views: readonly AnsweringView[],
): readonly (readonly AnsweringView[])[] => {
  const groups: AnsweringView[][] = [];
  const fields = ({ plan }: AnsweringView): string => plan.keys.map(({ field }) => field).join();
  for (const view of views) {
    const group = groups.find(
      ([first]) => first?.keys === view.keys && fields(first) === fields(view),
    );
    if (group === undefined) groups.push([view]);
    else group.push(view);
  }
  return groups;
};

export const entityGroup = (views: readonly AnsweringView[], { mode }: EventScan): EntityGroup => {
  const [{ plan, keys }] = views as readonly [AnsweringView];
  const fields = new Set(views.flatMap(({ task }) => Object.keys(fieldsOf(task))));
  return { plan, keys, shape: { fields: [...fields], withEventTime: mode === 'as-served' } };
};

/** The rows of a view in each part: what its join needs, and their numbers in the spine. */
const rowsByPart = (
  { keys: { ids: entities }, rows, task }: AnsweringView,
  parts: number,
  spine: JoinSpine,
): ((part: number) => { readonly joined: PartRows; readonly numbers: Uint32Array }) => {
  const byPart = grouping(parts);
  byPart.group(rows.length, (i) => {
    const entity = entities[rows[i] as number] as number;
    return entity < 0 ? -1 : entity % parts;
  });
  return (part) => {
    const items = byPart.items.subarray(byPart.startOf(part), byPart.ends[part]);
    const numbers = new Uint32Array(items.length);
    const ids = new Int32Array(items.length);
    const times = new Float64Array(items.length);
    for (let i = 0; i < items.length; i++) {
      const row = rows[items[i] as number] as number;
      numbers[i] = row;
      ids[i] = Math.floor((entities[row] as number) / parts);
      times[i] = spine.times[row] as number;
    }
    return { joined: { view: task, ids, times }, numbers };
  };
};

interface Task {
  readonly part: Part;
  readonly put: (found: readonly PartResult[]) => void;
}

export function* tasksOf(
  groups: readonly (readonly AnsweringView[])[],
  split: readonly SplitEvents[],
  parts: number,
  spine: JoinSpine,
  results: Results,
  spanEvents: number,
): Generator<Task> {
  for (const [g, views] of groups.entries()) {
    const entities = (views[0] as AnsweringView).keys.keys.length;
    const events = split[g] as SplitEvents;
    const rowsOf = views.map((view) => rowsByPart(view, parts, spine));
    for (let p = 0; p < parts; p++) {
      const own = rowsOf.map((of) => of(p));
      if (own.every(({ numbers }) => numbers.length === 0)) continue;
      const part: Part = {
        entities: entitiesIn(p, parts, entities),
        events: events.parts[p] as PartEvents,
        texts: events.texts,
        views: own.map(({ joined }) => joined),
        halfOpen: spine.halfOpen,
        spanEvents,
      };
      const put: Task['put'] = (found) =>
        own.forEach(({ joined, numbers }, v) => {
          putPart(results, joined.view, numbers, found[v] as PartResult);
        });
      yield { part, put };
    }
  }
}
