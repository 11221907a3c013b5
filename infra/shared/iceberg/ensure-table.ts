/**
 * Creates a table without rows, because another engine's writer needs it before it can append. The
 * columns that an existing table lacks are returned, and the engine that writes the table adds
 * them. Only a table that must be rewritten is changed here, so no writer may run.
 */
import { randomUUID } from 'node:crypto';
import type { Directory } from '#domain/ports/file-io.ts';
import type { DuckDb } from '#infra/shared/duckdb/connect.ts';
import { locationOf } from '#infra/shared/files/hadoop-location.ts';
import { currentSchema, newTable, type TableMetadata } from './metadata.ts';
import { rewriteColumns } from './rewrite-columns.ts';
import { evolve, type IcebergField, META_COLUMNS, typeName, type WantedColumn } from './schema.ts';
import { commitTable, loadTable } from './table-directory.ts';

export interface EnsureTableOptions {
  readonly table: Directory;
  /** the topic, for messages */
  readonly name: string;
  readonly columns: readonly WantedColumn[];
  readonly partitionBy: string;
  /** true: the rows are not a topic's records, and have no columns for a place in the log */
  readonly ofNoTopic?: boolean;
  readonly now: () => number;
  /** opened to rewrite a table whose columns cannot be widened as they are */
  readonly openDuckDb: () => Promise<DuckDb>;
  /** the id of the platform that a new table belongs to */
  readonly platform?: string | undefined;
  /** used only when the table is created */
  readonly properties?: Readonly<Record<string, string>>;
}

export interface ColumnChange {
  /** `widen`: the column exists with a narrower type, or does not take nulls */
  readonly change: 'add' | 'widen';
  readonly name: string;
  /** Iceberg's type, `list<…>` for lists */
  readonly type: string;
  readonly required: boolean;
}

/** The metadata of a table without rows. */
export const tableToMake = ({
  table,
  name,
  columns,
  partitionBy,
  now,
  platform,
}: Pick<EnsureTableOptions, 'table' | 'name' | 'columns' | 'partitionBy'> & {
  /** epoch ms */
  readonly now: number;
  /** the id of the platform that it belongs to */
  readonly platform?: string | undefined;
}): TableMetadata => {
  const { fields, lastColumnId } = evolve(name, [], 0, columns);
  const location = locationOf(table.uri);
  const made = { uuid: randomUUID(), location, fields, lastColumnId, partitionBy, now };
  return newTable({ ...made, platform });
};

/**
 * @returns the columns that an existing table lacks
 * @throws MR_SCHEMA_INCOMPATIBLE if a column's type cannot be widened to the wanted one
 */
export const ensureTable = async (
  options: EnsureTableOptions,
): Promise<readonly ColumnChange[]> => {
  const { table, name, columns, partitionBy, now } = options;
  const wanted = options.ofNoTopic === true ? columns : [...columns, ...META_COLUMNS];
  const base = await loadTable(table);
  if (base === null) {
    const { platform } = options;
    const made = tableToMake({ table, name, columns: wanted, partitionBy, now: now(), platform });
    const committed = await commitTable(table, null, {
      ...made,
      properties: { ...made.properties, ...options.properties },
    });
    return committed === null ? ensureTable(options) : [];
  }
  const { metadata } = base;
  const present = new Map(
    currentSchema(metadata).fields.map((field) => [field.name, field] as const),
  );
  const { fields, replaced } = evolve(
    name,
    currentSchema(metadata).fields,
    metadata['last-column-id'],
    wanted,
  );
  if (replaced.length > 0) {
    const duckDb = await options.openDuckDb();
    try {
      const connection = await duckDb.connect();
      await rewriteColumns({ table, connection, now: now() }, name, base, wanted);
      connection.closeSync();
    } finally {
      duckDb.close();
    }
    return [];
  }
  return fields.flatMap((field: IcebergField): ColumnChange[] => {
    const had = present.get(field.name);
    const now = { name: field.name, type: typeName(field), required: field.required };
    if (had === undefined) return [{ change: 'add', ...now }];
    return typeName(had) === now.type && had.required === now.required
      ? []
      : [{ change: 'widen', ...now }];
  });
};
