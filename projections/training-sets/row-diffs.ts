/** How the rows of two named data sets differ, by the files that were built of them. */
import type { RowDiffWish } from '#domain/api/datasets.ts';
import type { DatasetManifest } from '#domain/datasets/manifest.ts';
import {
  checkExamples,
  DEFAULT_EXAMPLES,
  noRowDiffers,
  type RowDiff,
} from '#domain/datasets/row-diff.ts';
import { fail } from '#domain/errors.ts';
import type { DatasetJob } from '#domain/ports/dataset-jobs.ts';
import type { TrainingSetBuilder } from '#domain/ports/training-set-builder.ts';
import { planTrainingSet } from '#domain/training-sets/training-set-plan.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { outputOf } from './output-of.ts';
import { pinnedAgain } from './recipes.ts';

interface RowDiffDependencies {
  readonly catalog: Catalog;
  readonly builder: TrainingSetBuilder;
  readonly gateway: { readonly host: string };
  /** @throws MR_NOT_FOUND */
  readonly manifestOf: (reference: string) => DatasetManifest;
}

type RowDiffs = (
  references: readonly [string, string],
  /** the newest build that is done, if the caller may have its file */
  builtOf: (reference: string) => Promise<DatasetJob>,
  wish: RowDiffWish,
) => Promise<RowDiff>;

const ended = (error: unknown): never => {
  if ((error as Error | null)?.name !== 'AbortError') throw error;
  return fail('MR_UNAVAILABLE', 'the comparison was ended: its client has gone');
};

const titleOf = ({ name, version }: DatasetManifest): string => `"${name}" version ${version}`;

export const createRowDiffs = ({
  catalog,
  builder,
  gateway,
  manifestOf,
}: RowDiffDependencies): RowDiffs => {
  const keysOf = ({ recipe }: DatasetManifest): readonly string[] =>
    planTrainingSet(pinnedAgain(catalog, recipe).target).keys.map(({ name }) => name);
  /** @throws MR_REFUSED */
  const requireComparable = (
    [first, second]: readonly [DatasetManifest, DatasetManifest],
    [keys, others]: readonly [readonly string[], readonly string[]],
  ): void => {
    if (first.recipe.format !== second.recipe.format)
      fail(
        'MR_REFUSED',
        `data set ${titleOf(first)} is a ${first.recipe.format} file, and ${titleOf(second)} a ${second.recipe.format} file: make one of them again in the format of the other`,
      );
    if ([...keys].sort().join() !== [...others].sort().join())
      fail(
        'MR_REFUSED',
        `the rows of data set ${titleOf(first)} have the entity keys ${keys.join(', ')}, and those of ${titleOf(second)} ${others.join(', ')}: only rows with the same keys can be compared`,
      );
  };
  return async ([first, second], builtOf, { examples = DEFAULT_EXAMPLES, signal }) => {
    checkExamples(examples);
    const manifests = [manifestOf(first), manifestOf(second)] as const;
    const jobs = [await builtOf(first), await builtOf(second)] as const;
    const keys = [keysOf(manifests[0]), keysOf(manifests[1])] as const;
    requireComparable(manifests, keys);
    const [before, after] = [manifests[0].content, manifests[1].content];
    if (before !== null && before.sha256 === after?.sha256)
      return noRowDiffers(keys[0], before.rows);
    const pathOf = async (job: DatasetJob): Promise<string> =>
      (await outputOf(job, builder, gateway.host)).path;
    return builder
      .diffRows({
        files: [await pathOf(jobs[0]), await pathOf(jobs[1])],
        keys: keys[0],
        examples,
        ...(signal === undefined ? {} : { signal }),
      })
      .catch(ended);
  };
};
