/** Training sets, batches and rollups. */
import type { Datasets } from '#domain/api/datasets.ts';
import { fail } from '#domain/errors.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { whyRetired } from '#projections/catalog/retired.ts';
import type { Generations } from './generations.ts';
import type { OwnTrainingSets } from './training-sets.ts';

interface DatasetsDependencies {
  readonly trainingSets: OwnTrainingSets;
  readonly catalog: Catalog;
  readonly generations: Generations;
}

export const createDatasets = ({
  trainingSets,
  catalog,
  generations,
}: DatasetsDependencies): Datasets => ({
  start: trainingSets.start,
  rerun: trainingSets.rerun,
  manifest: trainingSets.manifest,
  diff: trainingSets.diff,
  diffRows: trainingSets.diffRows,
  get: trainingSets.get,
  list: trainingSets.list,
  file: trainingSets.file,
  batches: trainingSets.batches,
  ended: trainingSets.ended,
  cancel: trainingSets.cancel,
  batch: trainingSets.batch,
  async rollup(request) {
    const { view } = request;
    const live = generations.live(view);
    if (live !== null) return trainingSets.rollup(request, live);
    const retired = whyRetired(catalog, 'feature-view', view);
    if (retired !== null || catalog.stream('feature-view', view) === null)
      return fail('MR_NOT_FOUND', retired ?? `there is no feature view "${view}"`, { view });
    return fail('MR_VIEW_NOT_READY', `no generation of "${view}" is live yet`, { view });
  },
});
