/** What differs between engines in the queries that give a statement its tables. */
import type { StoredFormat, StoredTable } from '#domain/ports/sql-engine.ts';
import type { Lexis } from '../statements/tokens.ts';
import type { RemoteEngine } from './engine-names.ts';
import type { RollupSyntax } from './rollup-rows.ts';

export interface TableSyntax extends RollupSyntax {
  readonly name: RemoteEngine;
  /** as in messages: "Trino" */
  readonly title: string;
  readonly lexis: Lexis;
  /** the formats whose rows the engine reads as they are */
  readonly reads: readonly StoredFormat[];
  /** the name of a stored column in the catalog; absent: its own */
  readonly inCatalog?: (field: string) => string;
  /** a column of nulls. @param type Iceberg's */
  readonly nulls: (type: string) => string;
  /**
   * A stored table at its snapshot; `after` stands at the end of the query that reads it.
   * @param catalog the name that the engine has the catalog by
   */
  readonly from: (
    catalog: string,
    table: StoredTable,
  ) => { readonly table: string; readonly after: string };
}
