/**
 * The tables of rollups: one for each version of a view and each length of its periods.
 *
 * Promises (infra/iceberg/rollup-tables.contract.test.ts):
 * - A write is one commit: its rows and the record that its periods are there. A write that was
 *   killed has done nothing, and is done again.
 * - Periods that are there are not written a second time, unless that is asked for. Then rows whose
 *   values are the same stay, and others are marked as replaced in the same commit.
 * - A period that is there and in which no entity has a value is there all the same.
 */
import type { PeriodRange } from '#domain/rollups/periods.ts';
import type { RollupName } from '#domain/rollups/rollup-name.ts';
import type { FieldType } from '#domain/values/value.ts';

interface NamedType {
  readonly name: string;
  readonly type: FieldType;
}

export interface RollupColumns {
  readonly keys: readonly NamedType[];
  readonly features: readonly NamedType[];
}

export interface PeriodRows extends RollupColumns {
  /**
   * path of a Parquet file with a row for each entity and end of a period: the columns are the
   * keys, the end, and the features
   */
  readonly file: string;
  /** the periods that it has all rows of */
  readonly periods: PeriodRange;
  readonly generation: number;
  /** epoch ms: what was known then */
  readonly writtenAt: number;
  /** whether periods that are there are written, too */
  readonly again: boolean;
}

export interface RollupTables {
  /** The periods that are there; empty: none are. */
  readonly periods: (table: RollupName) => Promise<readonly PeriodRange[]>;
  /**
   * @returns the number of rows that were added
   * @throws MR_DISK_FULL
   */
  readonly write: (table: RollupName, rows: PeriodRows) => Promise<number>;
  /** Merges small files, and expires old snapshots. */
  readonly maintain: (table: RollupName) => Promise<void>;
}
