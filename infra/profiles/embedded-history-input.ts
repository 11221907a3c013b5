/**
 * What the embedded history's worker thread works with: the log over a connection of its own, and
 * the local disk. The thread imports this module.
 */
import { localFiles } from '#infra/files/local-files.ts';
import type { HistoryInput, HistoryInputModule } from '#infra/iceberg/input.ts';
import { openReadingConnection } from '#infra/sqlite/reading-connection.ts';

interface EmbeddedInputOptions {
  /** the database file: <data>/millrace.db */
  readonly path: string;
}

export const openHistoryInput = ({ path }: EmbeddedInputOptions): HistoryInput => ({
  ...openReadingConnection(path),
  files: localFiles(),
});

/** For `openIcebergHistory`. The log and the schema registry must have been opened before. */
export const embeddedHistoryInput = (path: string): HistoryInputModule => ({
  module: import.meta.url,
  options: { path } satisfies EmbeddedInputOptions,
});
