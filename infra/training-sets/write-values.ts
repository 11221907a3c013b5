/** Writes values that were computed elsewhere, in the form of a training set. */
import type {
  BuildOptions,
  TrainingSetResult,
  ValuesChunk,
  ValuesJob,
} from '#domain/ports/training-set-builder.ts';
import { computeOnDemand } from '#domain/training-sets/on-demand-columns.ts';
import { TIME_COLUMN } from '#domain/training-sets/spine-of-values.ts';
import { planTrainingSet } from '#domain/training-sets/training-set-plan.ts';
import { outputFormat } from './output-file.ts';
import { refuseCollisions, writtenColumns } from './results.ts';
import { checkParquetNames } from './spine-refusals.ts';
import { type BatchChunk, writeBatch } from './write-batch.ts';

/** The part of the work until all rows are there. */
const TAKEN = 0.9;

export const writeValues = async (
  job: ValuesJob,
  chunks: AsyncIterable<ValuesChunk>,
  { signal, onProgress, partial }: BuildOptions = {},
): Promise<TrainingSetResult> => {
  const { out, keys, at, overwrite = false, memoryLimit } = job;
  const plan = planTrainingSet(job.target, job.withStatus);
  const names = [...keys.map(({ name }) => name), TIME_COLUMN];
  if (outputFormat(out) === 'parquet') checkParquetNames(names);
  refuseCollisions(plan, names);
  const features = writtenColumns(
    plan,
    plan.values.map(() => ({ values: [] })),
  );

  const columnsOf = ({ keys: given, values }: ValuesChunk): BatchChunk['columns'] => {
    const columns = plan.values.map(({ type }, i) => ({ type, values: values[i]?.values ?? [] }));
    plan.values.forEach((value, i) => {
      if (value.from === 'on-demand')
        computeOnDemand(value, columns[i] as (typeof columns)[number], columns, {});
    });
    return [...given, ...writtenColumns(plan, values).map((column) => column.values)];
  };
  async function* batches(): AsyncGenerator<BatchChunk> {
    let taken = 0;
    for await (const chunk of chunks) {
      yield { rows: chunk.rows, columns: columnsOf(chunk) };
      taken += chunk.rows;
      onProgress?.({
        stage: 'reading the tiles',
        progress: (TAKEN * taken) / Math.max(1, job.rows),
      });
    }
    onProgress?.({ stage: 'writing', progress: TAKEN });
  }

  const rows = await writeBatch(
    { out, keys, features, at, overwrite, temporary: partial, memoryLimit, signal },
    batches(),
  );
  onProgress?.({ stage: 'done', progress: 1 });
  return { rows, features: plan.columns.map(({ name }) => name), events: 0 };
};
