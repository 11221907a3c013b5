/** Building a data set from the command line: waiting with progress, and bringing its file here. */
import { createWriteStream, lstatSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DatasetStatus } from '#domain/api/datasets.ts';
import { fail } from '#domain/errors.ts';
import { formatOfName, isArrowName } from '#domain/files/file-kind.ts';
import { path } from './client.ts';
import type { Context } from './context.ts';
import { parquetToCsv } from './parquet-to-csv.ts';
import { bar, createProgress } from './progress.ts';
import { spineRows } from './spine-rows.ts';
import { UsageError } from './usage.ts';

/** A small data set is done soon; a large one is not asked for too often. */
const FIRST_POLL_MS = 10;
const POLL_MS = 200;

export const tableExtension = (option: string, file: string): '.parquet' | '.csv' => {
  const extension = extname(file).toLowerCase();
  if (extension === '.parquet' || extension === '.csv') return extension;
  throw new UsageError(`${option} must end in .parquet or .csv, not ${JSON.stringify(file)}`);
};

const isTable = (format: string | null): boolean => format === 'parquet' || format === 'csv';

/** A file that the server opens, or its rows for a server on another machine. */
export const spineOfFile = async (
  { client }: Context,
  file: string,
): Promise<{ readonly file: string } | { readonly rows: readonly unknown[] }> => {
  if (isArrowName(file)) {
    if (client.sameMachine) return { file: resolve(file) };
    throw new UsageError(
      '--spine: for a server on another machine, write the spine as Parquet or CSV',
    );
  }
  if (!isTable(formatOfName(file)))
    throw new UsageError(
      `--spine must end in .parquet, .csv, .tsv or .arrow, not ${JSON.stringify(file)}`,
    );
  return client.sameMachine ? { file: resolve(file) } : { rows: await spineRows(file) };
};

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
    for (let wait = FIRST_POLL_MS; status.state === 'running'; wait = Math.min(POLL_MS, wait * 2)) {
      progress.update(`${bar(status.progress)} ${status.stage}`);
      await sleep(wait);
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
export const refuseExisting = (out: string, overwrite: boolean): void => {
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

/** Starts a build, waits for its end, and has its file at `out`. */
export const build = async (
  context: Context,
  start: (local: object) => Promise<DatasetStatus>,
  { out: given, overwrite }: { readonly out: string; readonly overwrite?: boolean },
): Promise<DatasetStatus> => {
  tableExtension('--out', given);
  const out = resolve(given);
  refuseExisting(out, overwrite === true);
  const local = context.client.sameMachine;
  const status = await waitFor(context, await start(local ? { out, overwrite } : {}));
  if (!local) await download(context, status, out);
  return { ...status, out };
};

/** NAME@VERSION; null: it has none. */
export const titleOf = ({
  name,
  version,
}: Pick<DatasetStatus, 'name' | 'version'>): string | null =>
  name === undefined ? null : `${name}${version === undefined ? '' : `@${version}`}`;

export const printBuilt = ({ json, document, print }: Context, status: DatasetStatus): void => {
  if (json) return document(status);
  const title = titleOf(status);
  print(
    `${status.rows ?? 0} rows with ${status.features.length} features (${status.mode}) written to ${status.out}${title === null ? '' : `: data set ${title}`}`,
  );
};
