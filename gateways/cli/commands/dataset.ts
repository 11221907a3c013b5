import { createWriteStream, lstatSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import type { DatasetStatus } from '#domain/api/datasets.ts';
import { fail } from '#domain/errors.ts';
import { formatOfName } from '#domain/files/file-kind.ts';
import { findTarget, targetOf } from '../catalog.ts';
import { path } from '../client.ts';
import { type Context, contextOf } from '../context.ts';
import { parquetToCsv } from '../parquet-to-csv.ts';
import { bar, createProgress } from '../progress.ts';
import { spineRows } from '../spine-rows.ts';
import { UsageError } from '../usage.ts';

interface DatasetOptions {
  readonly spine: string;
  readonly out: string;
  readonly mode: 'event-time' | 'as-served';
  readonly known?: string;
  readonly withStatus?: boolean;
  readonly overwrite?: boolean;
}

const POLL_MS = 200;

export const WITH_STATUS = [
  '--with-status',
  'after each feature, a column FEATURE__status: present, null, not-found, expired or overflow, as an online read answers it',
] as const;

export const tableExtension = (option: string, file: string): '.parquet' | '.csv' => {
  const extension = extname(file).toLowerCase();
  if (extension === '.parquet' || extension === '.csv') return extension;
  throw new UsageError(`${option} must end in .parquet or .csv, not ${JSON.stringify(file)}`);
};

const isTable = (format: string | null): boolean => format === 'parquet' || format === 'csv';

const waitFor = async (
  { client, message }: Context,
  started: DatasetStatus,
): Promise<DatasetStatus> => {
  const progress = createProgress();
  let status = started;
  let cancelling = false;
  const cancel = (): void => {
    if (cancelling) return;
    cancelling = true;
    message('cancelling');
    void client
      .delete(path('v1', 'datasets', started.id))
      .catch((error: Error) => message(error.message));
  };
  process.on('SIGINT', cancel);
  try {
    while (status.state === 'running') {
      progress.update(`${bar(status.progress)} ${status.stage}`);
      await sleep(POLL_MS);
      status = await client.get<DatasetStatus>(path('v1', 'datasets', started.id));
    }
  } finally {
    progress.end();
    process.removeListener('SIGINT', cancel);
  }
  if (status.state === 'failed')
    fail(
      status.error?.code ?? 'MR_DATASET_FAILED',
      status.error?.message ?? 'the data set failed',
      { id: status.id },
    );
  if (status.state === 'cancelled')
    fail(
      'MR_REFUSED',
      `data set ${status.id} was cancelled${cancelling ? '' : ' by another caller'}; nothing was written`,
      { id: status.id },
    );
  return status;
};

/** @throws MR_REFUSED */
const refuseExisting = (out: string, overwrite: boolean): void => {
  if (!overwrite && lstatSync(out, { throwIfNoEntry: false }) !== undefined)
    fail('MR_REFUSED', `the output "${out}" exists: name another file, or add --overwrite`, {
      out,
    });
};

const download = async ({ client }: Context, status: DatasetStatus, out: string): Promise<void> => {
  const same = extname(status.out).toLowerCase() === tableExtension('--out', out);
  const file = same ? out : `${out}.part${extname(status.out)}`;
  await pipeline(
    await client.stream(path('v1', 'datasets', status.id, 'data')),
    createWriteStream(file),
  );
  if (same) return;
  const { rename, rm } = await import('node:fs/promises');
  await parquetToCsv(file, `${out}.part`);
  await rename(`${out}.part`, out);
  await rm(file, { force: true });
};

const dataset = async (name: string, options: DatasetOptions, command: Command): Promise<void> => {
  const context = contextOf(command);
  const { client, json, document, print } = context;
  if (!isTable(formatOfName(options.spine)))
    throw new UsageError(
      `--spine must end in .parquet, .csv or .tsv, not ${JSON.stringify(options.spine)}`,
    );
  tableExtension('--out', options.out);
  const out = resolve(options.out);
  const local = client.sameMachine;
  refuseExisting(out, options.overwrite === true);
  const body = {
    ...targetOf(await findTarget(client, name)),
    spine: local ? { file: resolve(options.spine) } : { rows: await spineRows(options.spine) },
    ...(local ? { out, overwrite: options.overwrite } : {}),
    mode: options.mode,
    known: options.known,
    withStatus: options.withStatus,
  };
  const status = await waitFor(context, await client.post<DatasetStatus>('/v1/datasets', { body }));
  if (!local) await download(context, status, out);
  if (json) document({ ...status, out });
  else
    print(
      `${status.rows ?? 0} rows with ${status.features.length} features (${status.mode}) written to ${out}`,
    );
};

export const addDataset = (program: Command): void => {
  program
    .command('dataset')
    .description('make a point-in-time correct training set')
    .argument('<name>', 'a feature service or a feature view')
    .requiredOption(
      '--spine <file>',
      'Parquet or CSV file with event_timestamp, the entity keys, and the request inputs of on-demand features',
    )
    .requiredOption('--out <file>', 'Parquet or CSV file to write')
    .option('--overwrite', 'replace the file of --out if it exists')
    .addOption(
      new Option(
        '--mode <mode>',
        "event-time: the true values at each row's time, late data included; as-served: the values that a read would have returned then",
      )
        .choices(['event-time', 'as-served'])
        .default('event-time'),
    )
    .option('--known <time>', 'use only events that were accepted by this time; default: now')
    .option(...WITH_STATUS)
    .addHelpText(
      'after',
      '\nExample:\n  millrace dataset delay_model --spine labels.csv --out training.parquet',
    )
    .action(dataset);
};
