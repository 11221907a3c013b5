/** The file of a data set that is done, where this gateway can read it. */
import type { DatasetFile, DatasetStatus } from '#domain/api/datasets.ts';
import { fail } from '#domain/errors.ts';
import type { DatasetJob, DatasetJobs } from '#domain/ports/dataset-jobs.ts';
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

/**
 * The job with the path of its output in this platform's directory. Only gateways that share a
 * store have outputs in directories of each other; else, another path is of before the directory
 * was moved, or of the platform that this one was restored from, whose files are not its own.
 */
export const placed = (
  job: DatasetJob,
  { outputPath }: Pick<TrainingSetBuilder, 'outputPath'>,
  { shared }: Pick<DatasetJobs, 'shared'>,
): DatasetJob =>
  shared || job.request.out !== undefined
    ? job
    : { ...job, status: { ...job.status, out: outputPath(job.status.id) } };

/** @param host name of this machine */
export const outputOf = async (
  { status, request, bytes, host: builtOn }: DatasetJob,
  builder: Pick<TrainingSetBuilder, 'outputPath' | 'outputBytes'>,
  host: string,
): Promise<DatasetFile> => {
  requireDone(status);
  const { id, out } = status;
  // A disk that gateways share may have another path here.
  const paths = request.out === undefined ? new Set([builder.outputPath(id), out]) : [out];
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
  const named =
    request.out === undefined ? '' : '. The request named it with `out`, so no backup has it';
  return fail('MR_NOT_FOUND', `the file of data set ${id} does not exist: ${out}${named}`, { id });
};
