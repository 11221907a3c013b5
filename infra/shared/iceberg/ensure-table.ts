/**
 * A table made without rows: what another engine's writer needs before it can append. A table that
 * is there is left as it is: what it lacks is told, and the engine that writes it changes the
 * columns, so that a table has one kind of committer.
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

export interface ColumnChange {
  /** `widen`: it is there, of a narrower type, or without nulls */
  readonly change: 'add' | 'widen';
  readonly name: string;
  /** Iceberg's type, `list<…>` for lists */
  readonly type: string;
  readonly required: boolean;
}

/**
 * @returns what a table which is there lacks @throws MR_SCHEMA_INCOMPATIBLE where a column cannot
 * take what is wanted
 */
export const ensureTable = async (
  options: EnsureTableOptions,
): Promise<readonly ColumnChange[]> => {
  const { directory, name, columns, partitionBy, now } = options;
  const wanted = options.ofNoTopic === true ? columns : [...columns, ...META_COLUMNS];
  const base = await loadTable(directory);
  if (base === null) {
    const { fields, lastColumnId } = evolve(name, [], 0, wanted);
    const made = newTable({
      uuid: randomUUID(),
      location: locationOf(directory),
      fields,
      lastColumnId,
      partitionBy,
      now: now(),
    });
    const committed = await commitTable(directory, null, {
      ...made,
      properties: { ...made.properties, ...options.properties },
    });
    return committed === null ? ensureTable(options) : [];
  }
  const { metadata } = base;
  const present = new Map(
    currentSchema(metadata).fields.map((field) => [field.name, field] as const),
  );
  const { fields } = evolve(
    name,
    currentSchema(metadata).fields,
    metadata['last-column-id'],
    wanted,
  );
  return fields.flatMap((field: IcebergField): ColumnChange[] => {
    const had = present.get(field.name);
    const now = { name: field.name, type: typeName(field), required: field.required };
    if (had === undefined) return [{ change: 'add', ...now }];
    return typeName(had) === now.type && had.required === now.required
      ? []
      : [{ change: 'widen', ...now }];
  });
};
