/**
 * The values of one row of an answer, by the plan of a training set, at each step from the logged
 * values to the event-time values:
 *
 * 0. as logged;
 * 1. with the events that the view had not read yet;
 * 2. with the events that it left out as late;
 * 3. with the events that came after the answer;
 * 4. by the present definitions.
 */

import type { ViewPlan } from '#domain/plan/plan.ts';
import { foldFeatures } from '#domain/tiles/fold.ts';
import type { TrainingSetPlan } from '#domain/training-sets/training-set-plan.ts';
import type { RawEvent, Row, Value } from '#domain/values/value.ts';
import type { State } from './states.ts';

/** feature → value */
export type ViewValues = ReadonlyMap<string, Value>;

export const foldView = (
  plan: ViewPlan,
  events: readonly RawEvent[],
  key: string,
  at: number,
): ViewValues => {
  const { values } = foldFeatures(plan, events, key, at);
  return new Map(plan.features.map(({ name }, i) => [name, values[i] ?? null]));
};

/** One view of a row, in one state. */
export interface ViewInState {
  readonly state: State;
  readonly at: (level: number) => ViewValues;
}

export const viewInState = (
  plan: ViewPlan,
  events: readonly RawEvent[],
  key: string,
  at: number,
  state: State,
): ViewInState => {
  const known: (ViewValues | undefined)[] = [];
  return {
    state,
    at(level) {
      // A step that adds no event changes nothing.
      let from = level;
      while (from > 0 && !state.includes(from)) from--;
      const values =
        known[from] ??
        foldView(
          plan,
          events.filter((_, i) => (state[i] as number) <= from),
          key,
          at,
        );
      known[from] = values;
      return values;
    },
  };
};

/** column → value; on-demand features are computed from these and the request inputs */
export const columnsOf = (
  plan: TrainingSetPlan,
  view: (name: string) => ViewValues,
  request: Row,
): ReadonlyMap<string, Value> => {
  const values: Value[] = [];
  for (const planned of plan.values) {
    if (planned.from === 'feature') {
      values.push(view(planned.view).get(planned.feature) ?? null);
      continue;
    }
    const inputs: Record<string, Value> = {};
    for (const { parameter, from } of planned.inputs)
      inputs[parameter] = ('request' in from ? request[from.request] : values[from.value]) ?? null;
    values.push(planned.evaluate(inputs));
  }
  return new Map(plan.columns.map(({ name, value }) => [name, values[value] ?? null]));
};
