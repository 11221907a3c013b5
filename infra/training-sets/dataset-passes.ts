/**
 * Which scans a data set takes: in event-time mode one a source, shared by its views; as served one
 * a view and live generation, for what was known when is that generation's own. A generation
 * answers the rows of the time in which it was live; rows of a time in which none was have nothing,
 * as a read had then.
 */
import { fail } from '#domain/errors.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { ResultValues } from '#domain/training-sets/columns.ts';
import { type DatasetPlan, planFeatures } from '#domain/training-sets/dataset-plan.ts';
import { eventFields } from '#domain/training-sets/event-fields.ts';
import type { JoinedView } from '#domain/training-sets/point-in-time-join.ts';
import { type CodedValues, type SpineKeys, spineKeys } from '#domain/training-sets/spine-keys.ts';
import type { DatasetJob, RawFiles } from './dataset-job.ts';
import type { EventScan } from './event-files.ts';

export interface PlannedPass {
  readonly scan: EventScan;
  readonly views: readonly JoinedView[];
  /** the times that this pass answers; null: all */
  readonly covers: ((at: number) => boolean) | null;
}

export const passesOf = (
  job: DatasetJob,
  plan: DatasetPlan,
  keyColumns: Readonly<Record<string, CodedValues>>,
  values: readonly ResultValues[],
): readonly PlannedPass[] => {
  const encoded = new Map<string, SpineKeys>();
  const keysOf = ({ keys }: ViewPlan): SpineKeys => {
    const names = keys.map(({ name }) => name);
    const id = names.join('\u0000');
    const known =
      encoded.get(id) ?? spineKeys(names.map((name) => keyColumns[name] as CodedValues));
    encoded.set(id, known);
    return known;
  };
  /**
   * Where each feature goes; one whose type was another in that version has no value that the
   * column could hold.
   */
  const outputsOf = (viewPlan: ViewPlan): JoinedView['outputs'] =>
    plan.values.flatMap((value, i) => {
      if (value.from !== 'feature' || value.view !== viewPlan.view) return [];
      const feature = viewPlan.features.findIndex(
        (f) =>
          f.name === value.feature &&
          f.type.array === value.type.array &&
          f.type.base === value.type.base,
      );
      return feature < 0 ? [] : [{ feature, values: values[i] as ResultValues }];
    });
  const rawOf = (source: string): RawFiles =>
    job.sources[source] ??
    fail('MR_DATASET_FAILED', `the data set was given no raw events of source "${source}"`, {
      source,
    });

  if (job.mode === 'event-time') {
    const sources = [...new Set(plan.views.map(({ definitions }) => definitions.source.name))];
    return sources.map((source) => {
      const views = plan.views.filter(({ definitions }) => definitions.source.name === source);
      const [first] = views as [(typeof views)[number]];
      return {
        scan: {
          source: first.definitions.source,
          raw: rawOf(source),
          fields: eventFields(views, { keys: true }),
        },
        views: views.map((view) => ({
          plan: view.plan,
          fields: eventFields([view], { keys: false }),
          keys: keysOf(view.plan),
          outputs: outputsOf(view.plan),
        })),
        covers: null,
      };
    });
  }

  return plan.views.flatMap(({ definitions: current, features }): PlannedPass[] => {
    const name = current.view.name;
    const served =
      job.served?.[name] ??
      fail('MR_DATASET_FAILED', `the data set was given no feature updates of view "${name}"`, {
        view: name,
      });
    return served.generations.flatMap(
      ({ generation, definitions, from, to, late = [] }): PlannedPass[] => {
        const viewPlan = planFeatures(definitions, features);
        const outputs = outputsOf(viewPlan);
        if (outputs.length === 0) return [];
        const computed = [{ definitions, features: viewPlan.features.map((f) => f.name) }];
        return [
          {
            scan: {
              source: definitions.source,
              raw: rawOf(definitions.source.name),
              fields: eventFields(computed, { keys: true }),
              known: { updates: served.updates, generation },
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
            covers: (at) => (from === null || at >= from) && (to === null || at < to),
          },
        ];
      },
    );
  });
};
