/**
 * The manifest of a named data set: what it was built from, and what came out. Building it again
 * from the recipe gives the same bytes.
 *
 * Plain data. It has no value of an entity key and no secret: of columns that may hold such values
 * it has counts only.
 */
import type { DatasetMode, DatasetSpine, EventsSpine, GridSpine } from '#domain/datasets/spine.ts';
import type { Imports } from '#domain/sources/knowledge.ts';

/** A table that the statement of a spine read. */
export interface SpineTable {
  readonly name: string;
  /** what it has the rows of, as kind/name */
  readonly of: string;
  /** next offset of each partition, such as raw.flights@0:12 */
  readonly position: string;
}

/** Its rows are kept beside the manifest. Where they are gone, the statement gives them again. */
export interface SqlSpineRecord {
  readonly kind: 'sql';
  readonly sql: string;
  readonly rows: number;
  /** of the rows: `StoredSpine` */
  readonly sha256: string;
  /** name of the file that has the rows */
  readonly stored: string;
  /** log time, epoch ms: the tables had the events that were accepted by then */
  readonly known: number;
  readonly tables: readonly SpineTable[];
}

/** The rows for which it is made, so that another build can check that they are the same. */
export type SpineRecord =
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly bytes: number;
      readonly sha256: string;
    }
  | { readonly kind: 'rows'; readonly rows: number; readonly sha256: string }
  | SqlSpineRecord
  | ({ readonly kind: 'grid' } & GridSpine)
  | ({ readonly kind: 'events' } & EventsSpine);

/** Of a spine that a request gives, and no statement. */
export type GivenSpineRecord = Exclude<SpineRecord, SqlSpineRecord>;

/** The spine as a request gives it; undefined: rows, which are not kept. */
export const spineOfRecord = (spine: SpineRecord): DatasetSpine | undefined => {
  switch (spine.kind) {
    case 'rows':
      return undefined;
    case 'file':
      return { file: spine.path };
    case 'sql':
      return { sql: spine.sql };
    case 'grid': {
      const { kind: _, ...grid } = spine;
      return { grid };
    }
    case 'events': {
      const { kind: _, ...events } = spine;
      return { events };
    }
  }
};

/** What is read of a source: the events below these offsets, whatever came later. */
export interface SourceRecord {
  /** by partition: the events that were known at `known` */
  readonly below: readonly number[];
  /** of a source that takes imported events */
  readonly imports?: Imports & {
    /** by partition: imported events below these offsets can be known too; absent: none can */
    readonly end?: readonly number[];
  };
  /** epoch ms: older events had been deleted from the history; absent: none */
  readonly horizon?: number;
  /** the snapshot of the table that was read first; null: it had none */
  readonly snapshot: string | null;
}

/** A generation, and the time that it answers. */
export interface AnswerRecord {
  readonly generation: number;
  readonly version: number;
  /** epoch ms; null: since ever */
  readonly from: number | null;
  /** exclusive, epoch ms; null: it still answered */
  readonly to: number | null;
  /** how many of the events it had left out as late */
  readonly late: number;
}

export interface ViewRecord {
  readonly view: string;
  readonly version: number;
  readonly generation: number;
  /** as-served: oldest first */
  readonly answers?: readonly AnswerRecord[];
}

export interface DatasetRecipe {
  readonly target:
    | { readonly service: string; readonly version: number }
    | { readonly view: string; readonly version: number };
  readonly views: readonly ViewRecord[];
  /** name → version */
  readonly onDemand: Readonly<Record<string, number>>;
  readonly entities: Readonly<Record<string, number>>;
  readonly sourceVersions: Readonly<Record<string, number>>;
  readonly sources: Readonly<Record<string, SourceRecord>>;
  /** log time, epoch ms */
  readonly known: number;
  readonly mode: DatasetMode;
  readonly withStatus: boolean;
  readonly spine: SpineRecord;
  readonly format: 'parquet' | 'csv';
  /** version of Millrace */
  readonly millrace: string;
  /** the same request on the command line */
  readonly command: string;
}

export interface ColumnRecord {
  readonly name: string;
  /** DuckDB's */
  readonly type: string;
  readonly nulls: number;
  /** approximately */
  readonly distinct: number;
  /** of numbers */
  readonly mean?: number | null;
  readonly stddev?: number | null;
  /** of features that are numbers or times, and of the rows' times; times in ISO 8601 */
  readonly min?: number | string | null;
  readonly max?: number | string | null;
}

/** What was written. */
export interface DatasetContent {
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly columns: readonly ColumnRecord[];
  /** version of the library that writes the files */
  readonly duckdb: string;
}

export interface DatasetManifest {
  readonly name: string;
  readonly version: number;
  readonly by: string;
  /** epoch ms */
  readonly at: number;
  readonly recipe: DatasetRecipe;
  /** null: it was never built to the end */
  readonly content: DatasetContent | null;
  /** ids of the builds, oldest first */
  readonly builds: readonly string[];
}
