/**
 * What a reproducible training set consists of, before its file gets its name: so that a file with
 * other bytes than those of its first build never gets one.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { contentDifferences, type Difference } from '#domain/datasets/diff.ts';
import type { DatasetContent } from '#domain/datasets/manifest.ts';
import { fail } from '#domain/errors.ts';
import { columnStatistics, type ShownColumns } from './column-statistics.ts';
import { fileDigest } from './file-digest.ts';
import type { OutputRows } from './output-file.ts';

/** Differences that a message names. */
const NAMED = 5;

const phrase = ({ path, first, second }: Difference): string =>
  `${path}: ${JSON.stringify(first)}, now ${JSON.stringify(second)}`;

/** @throws MR_DATASET_CHANGED */
const requireSame = (before: DatasetContent, now: DatasetContent): void => {
  if (before.sha256 === now.sha256) return;
  const differences = contentDifferences(before, now).filter(
    ({ path }) => path !== 'sha256' && path !== 'bytes',
  );
  const found =
    differences.length === 0
      ? 'no count or statistic differs, only single values or their encoding'
      : differences.slice(0, NAMED).map(phrase).join('; ');
  const library =
    before.duckdb === now.duckdb
      ? ''
      : ` The library that writes the file is DuckDB ${now.duckdb}, and was ${before.duckdb}.`;
  fail(
    'MR_DATASET_CHANGED',
    `the data set would have other bytes than when it was first built, and was not written: ${found}.${library} Events may have been erased or trimmed since`,
    { sha256: now.sha256, expected: before.sha256, differences: differences.slice(0, 100) },
  );
};

export const describeOutput = async (
  connection: DuckDBConnection,
  file: string,
  output: OutputRows,
  options: ShownColumns & {
    readonly expected: DatasetContent | null;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<DatasetContent> => {
  const { bytes, sha256 } = await fileDigest(file, options.signal);
  const columns = await columnStatistics(connection, output, options);
  const version = await connection.runAndReadAll('SELECT version()');
  const duckdb = String(version.getRows()[0]?.[0]);
  const content = { rows: output.rows, bytes, sha256, columns, duckdb };
  if (options.expected !== null) requireSame(options.expected, content);
  return content;
};
