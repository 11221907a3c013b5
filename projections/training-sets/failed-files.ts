/** The files of a data set that has failed. */
import type { DatasetJob } from '#domain/ports/dataset-jobs.ts';
import type { TrainingSetBuilder } from '#domain/ports/training-set-builder.ts';

export type FileRemover = Pick<
  TrainingSetBuilder,
  'home' | 'outputPath' | 'partialPath' | 'discard'
>;

/**
 * Removes what a failed data set has left in the builder's own directory. The paths in a job are
 * not used for that: in a restored copy they are those of the original, which may be building them.
 * Nor does a copy touch a file beside an output that the caller named. Such an output is whole, and
 * stays.
 * @param host name of this machine
 */
export const removeFailed = async (
  { status: { id, out }, request, home, host: builtOn }: DatasetJob,
  builder: FileRemover,
  host: string,
): Promise<void> => {
  if (request.out === undefined) {
    const own = builder.outputPath(id);
    await builder.discard(builder.partialPath(id, own));
    await builder.discard(own);
  } else if (builtOn === host && home === builder.home)
    await builder.discard(builder.partialPath(id, out));
};
