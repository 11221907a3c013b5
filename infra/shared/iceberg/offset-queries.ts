/** Questions about the offsets of a table, as aggregates over the files that can have them. */
import type { DuckDBDataChunk } from '@duckdb/node-api';
import type { HistoryTables } from '#domain/ports/history.ts';
import { numberBound, type PinnedFile, type PinnedTable, selectFiles } from './pinned-table.ts';
import { type Query, querySql } from './table-query.ts';

interface OffsetQueriesDependencies {
  readonly pin: (topic: string) => Promise<PinnedTable | null>;
  /** checks the files */
  readonly pathsOf: (
    table: PinnedTable,
    files: readonly PinnedFile[],
  ) => Promise<readonly string[]>;
  readonly chunks: (sql: string) => AsyncIterable<DuckDBDataChunk>;
}

const DISTINCT = 'count(DISTINCT _offset)';
const FIRST = 'min(_offset)';

export const offsetQueries = ({
  pin,
  pathsOf,
  chunks,
}: OffsetQueriesDependencies): Pick<HistoryTables, 'count' | 'offsetAt'> => {
  const numberOf = async (
    table: PinnedTable,
    files: readonly PinnedFile[],
    query: Query,
    aggregate: typeof DISTINCT | typeof FIRST,
  ): Promise<number | null> => {
    const fields = table.fields.filter(({ name }) => name === '_offset');
    const paths = await pathsOf(table, files);
    if (paths.length === 0) return null;
    const offsets = querySql(table, paths, fields, query, ['_offset']);
    let found: bigint | null = null;
    for await (const chunk of chunks(`SELECT ${aggregate} FROM (${offsets})`))
      found = chunk.getColumnValues(0)[0] as bigint | null;
    return found === null ? null : Number(found);
  };

  return {
    async count(topic, offsets) {
      const table = await pin(topic);
      if (table === null) return 0;
      const found = await numberOf(table, selectFiles(table, { offsets }), { offsets }, DISTINCT);
      return found ?? 0;
    },
    async offsetAt(topic, offsets, loggedAfter) {
      const table = await pin(topic);
      if (table === null) return null;
      // Log times rise with offsets, so the file that begins first nearly always has the answer.
      const query = { offsets, loggedAfter };
      const field = table.fields.find(({ name }) => name === '_offset');
      const first = (file: PinnedFile): number =>
        numberBound(file, 'lower_bounds', field) ?? Number.NEGATIVE_INFINITY;
      const files = [...selectFiles(table, query)].sort((a, b) => first(a) - first(b));
      const found = await numberOf(table, files.slice(0, 1), query, FIRST);
      const others = files.slice(1).filter((file) => found === null || first(file) < found);
      const earlier = await numberOf(table, others, query, FIRST);
      return found === null || earlier === null ? (found ?? earlier) : Math.min(found, earlier);
    },
  };
};
