/** The table of a topic as engines name it: raw.flights is flights in the namespace raw. */
import type { HistoryFiles } from '#domain/ports/history.ts';
import type { StoredTable } from '#domain/ports/sql-engine.ts';

export const storedTable = (files: HistoryFiles | null): StoredTable | null => {
  if (files === null) return null;
  const { topic, id } = files.snapshot;
  const dot = topic.indexOf('.');
  return {
    format: 'iceberg',
    namespace: topic.slice(0, dot),
    name: topic.slice(dot + 1),
    snapshot: id,
  };
};
