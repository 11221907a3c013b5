/** A pinned table as the history port describes it. */
import type { HistoryFiles, HistorySnapshot } from '#domain/ports/history.ts';
import { horizonIn } from './before-horizon.ts';
import { writtenOf } from './metadata.ts';
import type { PinnedTable } from './pinned-table.ts';
import { typeName } from './schema.ts';

export const snapshotOf = (table: PinnedTable): HistorySnapshot => {
  const { topic, snapshot, endOffsets, files } = table;
  const written = writtenOf(snapshot);
  return {
    topic,
    id: snapshot['snapshot-id'],
    endOffsets,
    committedAt: snapshot['timestamp-ms'],
    rows: files.reduce((sum, { file }) => sum + file.record_count, 0),
    bytes: files.reduce((sum, { file }) => sum + file.file_size_in_bytes, 0),
    horizon: horizonIn(table),
    ...(written === null ? {} : { periods: written.periods }),
  };
};

export const filesOf = ({
  fields,
  files,
}: PinnedTable): Pick<HistoryFiles, 'columns' | 'files'> => ({
  columns: fields.map((field) => ({
    id: field.id,
    name: field.name,
    type: typeName(field),
    required: field.required,
    json: field.doc === 'json',
  })),
  files: files.map(({ uri }) => uri),
});
