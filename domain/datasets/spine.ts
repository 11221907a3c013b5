/** The rows that a data set has. Times are epoch ms. */
import type { Row } from '#domain/values/value.ts';

export type DatasetMode = 'event-time' | 'as-served';

/** Every entity at each instant: `from`, `from` + `every`, … before `to`; epoch ms and ms. */
export interface GridSpine {
  readonly from: number;
  readonly to: number;
  readonly every: number;
}

/** Every event of a source, with fields of it as labels; its features are those just before it. */
export interface EventsSpine {
  readonly source: string;
  /** fields that are kept as columns */
  readonly label: readonly string[];
  /** event time, epoch ms; absent: all */
  readonly from?: number;
  /** exclusive */
  readonly to?: number;
}

/**
 * The rows of a data set: those of a file on this machine, given ones, or none, and then the
 * entities and events that the platform knows.
 */
export type DatasetSpine =
  | { readonly file: string }
  | { readonly rows: readonly Row[] }
  | { readonly grid: GridSpine }
  | { readonly events: EventsSpine }
  /** the rows of a SQL statement */
  | { readonly sql: string };

/** What a builder takes: the rows of a statement are in a file by then. */
export type BuilderSpine = Exclude<DatasetSpine, { readonly sql: unknown }>;
