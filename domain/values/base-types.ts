/**
 * The base types: their names, and the properties that every part of the platform uses. A target
 * (Avro, a SQL dialect, a column format) maps them in a table of its own, keyed by `ScalarType`, so
 * that a target without a row for a new base type does not compile.
 */
import type { ScalarType } from './value.ts';

interface BaseType {
  /** the type of a run-time value, as in value.ts */
  readonly runtime: 'string' | 'number' | 'boolean';
  /** whether values take part in arithmetic, and as which kind of number */
  readonly numeric: 'whole' | 'real' | null;
}

export const BASE_TYPES: Readonly<Record<ScalarType, BaseType>> = {
  string: { runtime: 'string', numeric: null },
  int: { runtime: 'number', numeric: 'whole' },
  long: { runtime: 'number', numeric: 'whole' },
  float: { runtime: 'number', numeric: 'real' },
  double: { runtime: 'number', numeric: 'real' },
  boolean: { runtime: 'boolean', numeric: null },
  timestamp: { runtime: 'number', numeric: null },
  date: { runtime: 'number', numeric: null },
  bytes: { runtime: 'string', numeric: null },
};
