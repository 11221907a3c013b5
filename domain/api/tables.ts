/**
 * The Iceberg tables that other engines may read: their names, and their metadata. The engines read
 * the data files by themselves. Refusals are thrown as MillraceError.
 */
import type { Kind } from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import type { TableDocument, WhichSnapshots } from '#domain/ports/table-documents.ts';
import { parseRollupName } from '#domain/rollups/rollup-name.ts';
import type { Caller } from './caller.ts';

/**
 * `raw`: the events of a source, one table for each; `rollup`: values of a view by period;
 * `served`: the logged answers of a service. The updates of a view are partial states, which no
 * other engine can finish, so they are not here.
 */
export const TABLE_NAMESPACES = ['raw', 'rollup', 'served'] as const;
export type TableNamespace = (typeof TABLE_NAMESPACES)[number];

export const isTableNamespace = (name: string): name is TableNamespace =>
  (TABLE_NAMESPACES as readonly string[]).includes(name);

/** `raw`, `flights`: the table of the topic raw.flights */
export interface TableName {
  readonly namespace: string;
  readonly name: string;
}

type TableKind = Extract<Kind, 'source' | 'feature-view' | 'feature-service'>;

/** The definition whose data the table has; null: no table has such a name. */
export const definitionOfTable = ({
  namespace,
  name,
}: TableName): { readonly kind: TableKind; readonly name: string } | null => {
  if (namespace === 'raw') return { kind: 'source', name };
  if (namespace === 'served') return { kind: 'feature-service', name };
  const rollup = namespace === 'rollup' ? parseRollupName(name) : null;
  return rollup === null ? null : { kind: 'feature-view', name: rollup.view };
};

/** The same for a table that does not exist and for one that the caller may not read. */
export const noTable = ({ namespace, name }: TableName): never =>
  fail('MR_NOT_FOUND', `there is no table ${namespace}.${name}, or this caller may not read it`, {
    table: `${namespace}.${name}`,
  });

export interface Tables {
  /**
   * The names of the tables of a namespace that the caller may read, in the order of their code
   * units. A table exists from its first commit on.
   * @throws MR_NOT_FOUND where there is no such namespace
   */
  list(namespace: string, caller?: Caller): Promise<readonly string[]>;
  /**
   * The newest version of a table.
   * @throws MR_NOT_FOUND where there is no such table, and where the caller may not read it;
   * MR_REFUSED where its files are not where its metadata says
   */
  load(table: TableName, snapshots: WhichSnapshots, caller?: Caller): Promise<TableDocument>;
  /** Whether the table exists, and the caller may read it. */
  exists(table: TableName, caller?: Caller): Promise<boolean>;
}
