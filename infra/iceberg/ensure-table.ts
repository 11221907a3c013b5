/**
 * A table made without rows: what another engine's writer needs before it can append. A table that is there is left as it is: what it lacks
 * is told, and the engine that writes it adds the columns, so that a table has one kind of committer.
 */
import { randomUUID } from 'node:crypto';
import { currentSchema, newTable } from './metadata.ts';
import { evolve, type IcebergField, META_COLUMNS, typeName, type WantedColumn } from './schema.ts';
import { commitTable, loadTable, locationOf } from './table-directory.ts';

export interface EnsureTableOptions {
  readonly directory: string;
  /** for messages: the topic */
  readonly name: string;
  readonly columns: readonly WantedColumn[];
  readonly partitionBy: string;
  /** no topic's rows: without their places in the log */
  readonly ofNoTopic?: boolean;
  readonly now: () => number;
  /** of a new table */
  readonly properties?: Readonly<Record<string, string>>;
}

export interface MissingColumn {
  readonly name: string;
  /** Iceberg's type, `list<…>` for lists */
  readonly type: string;
}

/** @returns the columns that a table which is there lacks @throws MR_SCHEMA_INCOMPATIBLE where one has another type */
export const ensureTable = async (options: EnsureTableOptions): Promise<readonly MissingColumn[]> => {
  const { directory, name, columns, partitionBy, now } = options;
  const wanted = options.ofNoTopic === true ? columns : [...columns, ...META_COLUMNS];
  const base = await loadTable(directory);
  if (base === null) {
    const { fields, lastColumnId } = evolve(name, [], 0, wanted);
    const made = newTable({ uuid: randomUUID(), location: locationOf(directory), fields, lastColumnId, partitionBy, now: now() });
    const committed = await commitTable(directory, null, { ...made, properties: { ...made.properties, ...options.properties } });
    return committed === null ? ensureTable(options) : [];
  }
  const { metadata } = base;
  const present = new Set(currentSchema(metadata).fields.map((field) => field.name));
  const { fields } = evolve(name, currentSchema(metadata).fields, metadata['last-column-id'], wanted);
  return fields
    .filter((field: IcebergField) => !present.has(field.name))
    .map((field) => ({ name: field.name, type: typeName(field) }));
};
