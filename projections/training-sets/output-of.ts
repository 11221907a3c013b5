/** The file of a data set that is done, where this gateway can read it. */
import type { DatasetFile, DatasetStatus } from '#domain/api/datasets.ts';
import { fail } from '#domain/errors.ts';
import type { DatasetJob } from '#domain/ports/dataset-jobs.ts';
import type { TrainingSetBuilder } from '#domain/ports/training-set-builder.ts';

/** @throws MR_DATASET_FAILED or MR_REFUSED if the data set has no data */
const requireDone = (status: DatasetStatus): void => {
  if (status.state === 'done') return;
  if (status.state === 'failed')
    fail('MR_DATASET_FAILED', status.error?.message ?? 'the data set failed', { id: status.id });
  fail(
    'MR_REFUSED',
    `data set ${status.id} is ${status.state}, ${Math.round(status.progress * 100)} % done: it has no data to fetch`,
    { id: status.id, state: status.state },
  );
};

/** @param host name of this machine */
export const outputOf = async (
  { status, request, bytes, host: builtOn }: DatasetJob,
  builder: Pick<TrainingSetBuilder, 'outputPath' | 'outputBytes'>,
  host: string,
): Promise<DatasetFile> => {
  requireDone(status);
  const { id, out } = status;
  // A disk that gateways share, or a directory that was moved, may have another path here.
  const paths = request.out === undefined ? [out, builder.outputPath(id)] : [out];
  let other: number | null = null;
  for (const path of paths) {
    const found = await builder.outputBytes(path);
    if (found === null) continue;
    if (bytes === null || found === bytes) return { path, bytes: found };
    other = found;
  }
  if (other !== null)
    fail(
      'MR_NOT_FOUND',
      `the file of data set ${id} has been changed: ${out} has ${other} bytes, and had ${bytes}. Start the data set again`,
      { id },
    );
  if (builtOn !== host)
    fail(
      'MR_DATASET_ELSEWHERE',
      `the file of data set ${id} is ${out} on the machine "${builtOn}", and this gateway, on "${host}", cannot read it: download it through a gateway on that machine, or give the gateways a shared disk`,
      { id, host: builtOn },
    );
  return fail('MR_NOT_FOUND', `the file of data set ${id} does not exist: ${out}`, { id });
};
