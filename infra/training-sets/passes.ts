/**
 * The scans of a training set, and the views that each one feeds. Views share a scan if they read
 * the same events of the same source, which become visible at the same times.
 *
 * As served, each generation of a view answers the rows of its own time, and leaves out its own
 * late events. If the source takes imported events, the rows before its first live event are
 * answered apart, because known times count in them.
 */
import { fail } from '#domain/errors.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { RawFiles, TrainingSetJob } from '#domain/ports/training-set-builder.ts';
import { countsKnownTimes } from '#domain/sources/knowledge.ts';
import { eventFields } from '#domain/training-sets/event-fields.ts';
import { type CodedValues, type SpineKeys, spineKeys } from '#domain/training-sets/spine-keys.ts';
import {
  planFeatures,
  type TrainingSetPlan,
  type ViewDefinitions,
} from '#domain/training-sets/training-set-plan.ts';
import { readsAs } from '#domain/values/field-type.ts';
import type { Position } from '#domain/values/value.ts';
import type { EventScan } from './event-files.ts';
import type { ViewTask } from './join-part.ts';
import { periodsRead } from './periods.ts';

export interface PlannedView {
  readonly plan: ViewPlan;
  readonly keys: SpineKeys;
  readonly task: ViewTask;
  /** whether it answers the rows of a time; null: it answers all */
  readonly covers: ((at: number) => boolean) | null;
}

export interface PlannedPass {
  readonly scan: EventScan;
  readonly views: readonly PlannedView[];
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

/** One pass for all views whose scans differ in nothing but the fields that they read. */
const shared = (passes: readonly PlannedPass[]): readonly PlannedPass[] => {
  const found = new Map<string, PlannedPass>();
  for (const { scan, views } of passes) {
    const { fields, raw: _, ...same } = scan;
    const id = JSON.stringify(same);
    const known = found.get(id) ?? { scan, views: [] };
    found.set(id, {
      scan: { ...scan, fields: { ...known.scan.fields, ...fields } },
      views: [...known.views, ...views],
    });
  }
  return [...found.values()];
};

export const passesOf = (
  job: TrainingSetJob,
  plan: TrainingSetPlan,
  keyColumns: Readonly<Record<string, CodedValues>>,
): readonly PlannedPass[] => {
  const encoded = new Map<string, SpineKeys>();
  const keysOf = (viewPlan: ViewPlan): SpineKeys => {
    const names = viewPlan.keys.map(({ name }) => name);
    const id = names.join('\u0000');
    const keys = encoded.get(id) ?? spineKeys(names.map((name) => keyColumns[name] as CodedValues));
    encoded.set(id, keys);
    return keys;
  };
  const withStatus = new Set(
    plan.columns.flatMap(({ value, status }) => (status === null ? [] : [value])),
  );
  /**
   * The values that a view's features are. A feature whose values in that version do not fit the
   * column is left out, as a past read leaves it out: null, not-found.
   */
  const outputsOf = (viewPlan: ViewPlan): ViewTask['outputs'] =>
    plan.values.flatMap((value, i) => {
      if (value.from !== 'feature' || value.view !== viewPlan.view) return [];
      const feature = viewPlan.features.findIndex(
        (f) => f.name === value.feature && readsAs(f.type, value.type),
      );
      if (feature < 0) return [];
      return [{ feature, value: i, type: value.type, withStatus: withStatus.has(i) }];
    });
  const rawOf = (source: string): RawFiles =>
    job.sources[source] ??
    fail('MR_DATASET_FAILED', `the job of the data set has no raw events of source "${source}"`, {
      source,
    });
  const viewOf = (
    definitions: ViewDefinitions,
    features: readonly string[],
    viewPlan: ViewPlan,
    excluded: readonly Position[],
    covers: PlannedView['covers'],
  ): PlannedView => ({
    plan: viewPlan,
    keys: keysOf(viewPlan),
    task: {
      ...{ definitions, features, excluded },
      outputs: outputsOf(viewPlan),
      withMarks: job.periods !== undefined,
    },
    covers,
  });

  if (job.mode === 'event-time')
    return shared(
      plan.views.map(({ definitions, features, plan: viewPlan }) => ({
        scan: {
          mode: job.mode,
          source: definitions.source,
          raw: rawOf(definitions.source.name),
          fields: eventFields([{ definitions, features }], { keys: true }),
          within: periodsRead(job, plan),
        },
        views: [viewOf(definitions, features, viewPlan, job.periods?.late ?? [], null)],
      })),
    );

  const passes = plan.views.flatMap(({ definitions: current, features }): PlannedPass[] => {
    const name = current.view.name;
    const timeline =
      job.timelines?.[name] ??
      fail('MR_DATASET_FAILED', `the job of the data set has no generations of view "${name}"`, {
        view: name,
      });
    return timeline.flatMap(({ definitions, from, to, late = [] }): PlannedPass[] => {
      const viewPlan = planFeatures(definitions, features);
      if (outputsOf(viewPlan).length === 0) return [];
      const computed = { definitions, features: viewPlan.features.map((f) => f.name) };
      const raw = rawOf(definitions.source.name);
      return knownTimesIn(raw).map(({ knownTimes, includes }) => ({
        scan: {
          ...{ mode: job.mode, source: definitions.source, raw, knownTimes },
          fields: eventFields([computed], { keys: true }),
        },
        views: [
          viewOf(
            definitions,
            computed.features,
            viewPlan,
            late,
            (at) => (from === null || at >= from) && (to === null || at < to) && includes(at),
          ),
        ],
      }));
    });
  });
  return shared(passes);
};
