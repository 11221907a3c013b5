/**
 * The scans of a training set. In event-time mode there is one for each source, shared by its
 * views. As served there is one for each view and answering generation: each one answers the rows
 * of its own time, and leaves out its own late events. If the source takes imported events, the
 * rows before its first live event have a pass of their own, in which known times count.
 */
import { fail } from '#domain/errors.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { RawFiles, TrainingSetJob } from '#domain/ports/training-set-builder.ts';
import { countsKnownTimes } from '#domain/sources/knowledge.ts';
import { eventFields } from '#domain/training-sets/event-fields.ts';
import type { JoinedView } from '#domain/training-sets/point-in-time-join.ts';
import { type CodedValues, type SpineKeys, spineKeys } from '#domain/training-sets/spine-keys.ts';
import { planFeatures, type TrainingSetPlan } from '#domain/training-sets/training-set-plan.ts';
import { readsAs } from '#domain/values/field-type.ts';
import type { EventScan } from './event-files.ts';
import { periodsRead } from './periods.ts';
import type { Result } from './results.ts';

export interface PlannedPass {
  readonly scan: EventScan;
  readonly views: readonly JoinedView[];
  /** whether this pass answers a time; null: it answers all */
  readonly covers: ((at: number) => boolean) | null;
}

interface RowsAlike {
  readonly knownTimes: boolean;
  readonly includes: (at: number) => boolean;
}

/** A row knows what was known at its time, or at the pinned one if that is earlier. */
const knownTimesIn = ({ imports }: RawFiles): readonly RowsAlike[] => {
  if (imports === undefined) return [{ knownTimes: false, includes: () => true }];
  const counts = (at: number): boolean => countsKnownTimes(imports, Math.min(at, imports.known));
  return [true, false].map((knownTimes) => ({
    knownTimes,
    includes: (at) => counts(at) === knownTimes,
  }));
};

export const passesOf = (
  job: TrainingSetJob,
  plan: TrainingSetPlan,
  keyColumns: Readonly<Record<string, CodedValues>>,
  /** by planned value */
  results: readonly Result[],
  /** as in `slidingView` */
  marks?: Float64Array,
): readonly PlannedPass[] => {
  const encoded = new Map<string, SpineKeys>();
  const keysOf = (viewPlan: ViewPlan): SpineKeys => {
    const names = viewPlan.keys.map(({ name }) => name);
    const id = names.join('\u0000');
    const keys = encoded.get(id) ?? spineKeys(names.map((name) => keyColumns[name] as CodedValues));
    encoded.set(id, keys);
    return keys;
  };
  /**
   * The results of a view's features. A feature whose values in that version do not fit the column
   * is left out, as a past read leaves it out: null, not-found.
   */
  const outputsOf = (viewPlan: ViewPlan): JoinedView['outputs'] =>
    plan.values.flatMap((value, i) => {
      if (value.from !== 'feature' || value.view !== viewPlan.view) return [];
      const feature = viewPlan.features.findIndex(
        (f) => f.name === value.feature && readsAs(f.type, value.type),
      );
      return feature < 0 ? [] : [{ feature, ...(results[i] as Result) }];
    });
  const rawOf = (source: string): RawFiles =>
    job.sources[source] ??
    fail('MR_DATASET_FAILED', `the job of the data set has no raw events of source "${source}"`, {
      source,
    });

  if (job.mode === 'event-time') {
    const sources = [...new Set(plan.views.map(({ definitions }) => definitions.source.name))];
    return sources.map((source) => {
      const views = plan.views.filter(({ definitions }) => definitions.source.name === source);
      const [first] = views as [(typeof views)[number]];
      return {
        scan: {
          mode: job.mode,
          source: first.definitions.source,
          raw: rawOf(source),
          fields: eventFields(views, { keys: true }),
          within: periodsRead(job, plan),
        },
        views: views.map((view) => ({
          plan: view.plan,
          fields: eventFields([view], { keys: false }),
          keys: keysOf(view.plan),
          outputs: outputsOf(view.plan),
          excluded: job.periods?.late ?? [],
          ...(marks === undefined ? {} : { marks }),
        })),
        covers: null,
      };
    });
  }

  return plan.views.flatMap(({ definitions: current, features }): PlannedPass[] => {
    const name = current.view.name;
    const timeline =
      job.timelines?.[name] ??
      fail('MR_DATASET_FAILED', `the job of the data set has no generations of view "${name}"`, {
        view: name,
      });
    return timeline.flatMap(({ definitions, from, to, late = [] }): PlannedPass[] => {
      const viewPlan = planFeatures(definitions, features);
      const outputs = outputsOf(viewPlan);
      if (outputs.length === 0) return [];
      const computed = [{ definitions, features: viewPlan.features.map((f) => f.name) }];
      const raw = rawOf(definitions.source.name);
      return knownTimesIn(raw).map(({ knownTimes, includes }) => ({
        scan: {
          mode: job.mode,
          source: definitions.source,
          raw,
          fields: eventFields(computed, { keys: true }),
          knownTimes,
        },
        views: [
          {
            plan: viewPlan,
            fields: eventFields(computed, { keys: false }),
            keys: keysOf(viewPlan),
            outputs,
            excluded: late,
          },
        ],
        covers: (at) => (from === null || at >= from) && (to === null || at < to) && includes(at),
      }));
    });
  });
};
