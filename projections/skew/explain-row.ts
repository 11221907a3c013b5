/**
 * Why the values of one logged row differ from the event-time values.
 *
 * First the state is found that the answer was computed from: folded, it must give the logged
 * values. Then what it lacked is added, step by step (see `recompute.ts`), until the value is that
 * of a training set. Each step that changes the value is a cause. Where no state gives the logged
 * values, or the last step is not the training set's value, the difference is unexplained.
 */

import type { FeatureLogRow, ServedViewOf } from '#domain/feature-log/feature-log-record.ts';
import type { SkewCause, SkewEvent } from '#domain/feature-log/skew.ts';
import { keyOfEntity } from '#domain/plan/entity-key.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import { parseTopicPosition } from '#domain/ports/position.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import { featureFrom } from '#domain/tiles/fold.ts';
import type { PlannedValue, TrainingSetPlan } from '#domain/training-sets/training-set-plan.ts';
import type { RawEvent, Value } from '#domain/values/value.ts';
import { isRounded } from '#projections/explain/same-value.ts';
import type { FeatureLogPlan } from './feature-log-plan.ts';
import {
  columnsOf,
  foldView,
  type ViewInState,
  type ViewValues,
  viewInState,
} from './recompute.ts';
import { type Noise, noiseOf, same } from './same.ts';
import { inLogOrder, LATE, statesOf } from './states.ts';

interface RowEvidence {
  readonly row: FeatureLogRow;
  readonly served: FeatureLogPlan;
  /** as training sets compute it now */
  readonly compared: TrainingSetPlan;
  /** column → the training set's value */
  readonly eventTime: ReadonlyMap<string, Value>;
  /** of an entity, as the training set has them */
  readonly events: (plan: ViewPlan, key: string) => readonly RawEvent[];
  readonly leftOut: (view: string, generation: number) => (event: RawEvent) => boolean;
}

export interface Explained {
  /** empty: the two differ by rounding only */
  readonly causes: readonly SkewCause[];
  readonly events: readonly SkewEvent[];
}

/** The cause of each step; the last one is a change of definitions. */
const STEPS: readonly SkewCause[] = ['lag', 'left-out', 'late', 'definition'];
const DEFINITION = LATE + 1;
const EVENTS_SHOWN = 3;
/** How many combinations of the states of several views are tried for an on-demand feature. */
const MAX_COMBINATIONS = 2_000;

interface RowView {
  readonly alias: string;
  readonly plan: ViewPlan;
  readonly source: string;
  readonly aggregations: ReadonlyMap<string, string>;
  readonly events: readonly RawEvent[];
  /** all states, the most likely first */
  readonly states: () => Iterable<ViewInState>;
}

/** The offsets that the answer gives as the view's position. */
const belowOf = (position: string): ((event: RawEvent) => boolean) => {
  const reached = new Map(
    parseTopicPosition(position).positions.map(({ partition, offset }) => [partition, offset]),
  );
  return ({ partition, offset }) => offset < (reached.get(partition) ?? 0);
};

const rowView = (
  evidence: RowEvidence,
  { definitions, plan }: TrainingSetPlan['views'][number],
): RowView => {
  const { row, served } = evidence;
  const alias = definitions.view.name;
  const by = row.views[served.answeredBy.get(alias) as number] as ServedViewOf;
  const key = keyOfEntity(plan, row.entity);
  const events = evidence
    .events(plan, key)
    .filter(({ eventTime }) => eventTime <= row.at)
    .sort(inLogOrder);
  const made: ViewInState[] = [];
  const rest = statesOf({
    events,
    known: row.known,
    loggedAt: row.logTime,
    below: belowOf(by.position),
    leftOut: evidence.leftOut(by.view, by.generation),
    hops: plan.hops.map(({ hopMs }) => hopMs),
  });
  return {
    alias,
    plan,
    source: definitions.source.name,
    aggregations: new Map(
      Object.entries(definitions.view.features).map(([name, { aggregation }]) => [
        name,
        aggregation,
      ]),
    ),
    events,
    *states() {
      for (let i = 0; ; i++) {
        if (i === made.length) {
          const next = rest.next();
          if (next.done === true) return;
          made.push(viewInState(plan, events, key, row.at, next.value));
        }
        yield made[i] as ViewInState;
      }
    },
  };
};

type Chosen = ReadonlyMap<string, ViewInState>;

/** Every combination of one state for each view, the most likely first. */
function* combinations(views: readonly RowView[], chosen: Chosen = new Map()): Generator<Chosen> {
  const [view, ...rest] = views;
  if (view === undefined) {
    yield chosen;
    return;
  }
  for (const state of view.states())
    yield* combinations(rest, new Map([...chosen, [view.alias, state]]));
}

/** The views that a value is computed from. */
const viewsUnder = (plan: TrainingSetPlan, value: PlannedValue): ReadonlySet<string> => {
  if (value.from === 'feature') return new Set([value.view]);
  return new Set(
    value.inputs.flatMap(({ from }) =>
      'request' in from ? [] : [...viewsUnder(plan, plan.values[from.value] as PlannedValue)],
    ),
  );
};

export const explainRow = (
  evidence: RowEvidence,
  columns: readonly string[],
): ReadonlyMap<string, Explained> => {
  const { row, served, compared } = evidence;
  const views = new Map(
    served.plan.views.map((view) => [view.definitions.view.name, rowView(evidence, view)]),
  );
  const now = new Map<string, ViewValues>();
  for (const { definitions, plan } of compared.views) {
    const key = keyOfEntity(plan, row.entity);
    now.set(definitions.view.name, foldView(plan, evidence.events(plan, key), key, row.at));
  }
  const present = columnsOf(compared, (name) => now.get(name) ?? new Map(), row.request);
  const plannedOf = new Map(
    served.plan.columns.map(({ name, value }) => [name, served.plan.values[value] as PlannedValue]),
  );

  const noise = new Map<string, Noise>();
  const noiseIn = (column: string): Noise => {
    const known = noise.get(column);
    if (known !== undefined) return known;
    const value = plannedOf.get(column);
    let found: Noise = value === undefined || isRounded(value.type) ? 0 : 'exact';
    if (value?.from === 'feature') {
      const view = views.get(value.view) as RowView;
      const feature = view.plan.features.find(({ name }) => name === value.feature);
      if (feature !== undefined)
        found = noiseOf(
          view.plan,
          feature,
          view.aggregations.get(value.feature) as string,
          view.events,
        );
    }
    noise.set(column, found);
    return found;
  };
  const gives = (column: string, value: Value): boolean =>
    same(row.values[column] ?? null, value, noiseIn(column));

  /** The columns of each view that were logged. */
  const own = new Map(
    [...views.keys()].map((alias) => [alias, [] as { column: string; feature: string }[]]),
  );
  for (const [column, value] of plannedOf)
    if (value.from === 'feature' && column in row.status)
      own.get(value.view)?.push({ column, feature: value.feature });
  /** The state that gives all logged values of a view. */
  const whole = new Map<string, ViewInState>();
  for (const [alias, view] of views)
    for (const state of view.states())
      if (
        (own.get(alias) ?? []).every(({ column, feature }) =>
          gives(column, state.at(0).get(feature) ?? null),
        )
      ) {
        whole.set(alias, state);
        break;
      }

  /** The states that give the value of one column. */
  const chosenFor = (column: string, value: PlannedValue): Chosen | null => {
    const under = [...viewsUnder(served.plan, value)].map((alias) => views.get(alias) as RowView);
    const ofAll = (chosen: Chosen): Value =>
      columnsOf(served.plan, (name) => chosen.get(name)?.at(0) ?? new Map(), row.request).get(
        column,
      ) ?? null;
    if (under.every(({ alias }) => whole.has(alias)) && gives(column, ofAll(whole))) return whole;
    let tried = 0;
    for (const chosen of combinations(under)) {
      if (gives(column, ofAll(chosen))) return chosen;
      if (++tried >= MAX_COMBINATIONS) break;
    }
    return null;
  };

  const eventsAt = (level: number, value: PlannedValue, chosen: Chosen): SkewEvent[] =>
    [...viewsUnder(served.plan, value)].flatMap((alias) => {
      const { plan, source, events } = views.get(alias) as RowView;
      const { state } = chosen.get(alias) as ViewInState;
      const feature =
        value.from === 'feature'
          ? plan.features.find(({ name }) => name === value.feature)
          : undefined;
      const from =
        feature === undefined ? Number.NEGATIVE_INFINITY : featureFrom(plan, feature, row.at);
      return events
        .filter(({ eventTime }, i) => state[i] === level && eventTime >= from)
        .slice(0, EVENTS_SHOWN)
        .map(({ partition, offset, eventTime, logTime }) => ({
          cause: STEPS[level - 1] as SkewCause,
          position: `${rawTopic(source)}@${partition}:${offset}`,
          eventTime,
          logTime,
        }));
    });

  const explainColumn = (column: string): Explained => {
    const unexplained: Explained = { causes: ['unexplained'], events: [] };
    const value = plannedOf.get(column);
    const last = present.get(column);
    if (value === undefined || last === undefined) return unexplained;
    const chosen = chosenFor(column, value);
    if (chosen === null || !same(last, evidence.eventTime.get(column) ?? null, noiseIn(column)))
      return unexplained;
    const steps = Array.from(
      { length: DEFINITION + 1 },
      (_, level): Value =>
        level === DEFINITION
          ? last
          : (columnsOf(
              served.plan,
              (name) => chosen.get(name)?.at(level) ?? new Map(),
              row.request,
            ).get(column) ?? null),
    );
    const causes: SkewCause[] = [];
    const events: SkewEvent[] = [];
    for (let level = 1; level <= DEFINITION; level++) {
      if (same(steps[level - 1] as Value, steps[level] as Value, noiseIn(column))) continue;
      causes.push(STEPS[level - 1] as SkewCause);
      if (level < DEFINITION) events.push(...eventsAt(level, value, chosen));
    }
    if (causes.length === 0 && !same(steps[0] as Value, last, noiseIn(column))) return unexplained;
    return { causes, events };
  };
  return new Map(columns.map((column) => [column, explainColumn(column)]));
};
