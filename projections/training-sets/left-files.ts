/** Rows of statements that no name needs, and what comparisons have spilled. */
import type { DatasetJobs } from '#domain/ports/dataset-jobs.ts';
import type { TrainingSetBuilder } from '#domain/ports/training-set-builder.ts';
import type { DatasetNames } from './named-datasets.ts';

/** Another gateway may use what it has written in this time. */
const IN_USE_MS = 86_400_000;

/** The files of rows that manifests name. */
export const spinesInUse = (names: Pick<DatasetNames, 'all'>): ReadonlySet<string> =>
  new Set(
    names.all().flatMap(({ recipe: { spine } }) => (spine.kind === 'sql' ? [spine.stored] : [])),
  );

/** To be called before this gateway builds anything. */
export const removeLeft = ({
  builder,
  names,
  jobs,
  now,
}: {
  readonly builder: Pick<TrainingSetBuilder, 'removeLeft'>;
  readonly names: Pick<DatasetNames, 'all'>;
  readonly jobs: Pick<DatasetJobs, 'shared'>;
  readonly now: () => number;
}): Promise<void> =>
  builder.removeLeft(
    spinesInUse(names),
    jobs.shared ? now() - IN_USE_MS : Number.POSITIVE_INFINITY,
  );
