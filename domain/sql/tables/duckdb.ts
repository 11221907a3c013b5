/** Rollups in DuckDB's SQL. */
import { identifier } from '../duckdb/names.ts';
import type { RollupSyntax } from './rollup-rows.ts';

export const DUCKDB_ROLLUPS: RollupSyntax = {
  quoted: identifier,
  long: 'BIGINT',
  instant: (ms) => `make_timestamptz(${BigInt(ms) * 1000n}::BIGINT)`,
  micros: (time) => `epoch_us(${time})`,
  fromMicros: (micros) => `make_timestamptz(${micros})`,
};
