/**
 * Run-time values. A row is a plain object in the source's field order.
 *
 * | type              | value                                            |
 * |-------------------|--------------------------------------------------|
 * | string            | string                                           |
 * | int, long         | number, whole; long within ±(2^53 − 1)           |
 * | float, double     | number, finite                                   |
 * | boolean           | boolean                                          |
 * | timestamp         | number, epoch milliseconds (UTC)                 |
 * | date              | number, days since 1970-01-01                    |
 * | bytes             | string, base64                                   |
 * | array<T>          | array of the above                               |
 */
export type Scalar = string | number | boolean;
export type Value = Scalar | null | readonly Value[] | { readonly [key: string]: Value };
export type Row = { readonly [field: string]: Value };

export type ScalarType =
  | 'string'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'boolean'
  | 'timestamp'
  | 'date'
  | 'bytes';

export interface FieldType {
  readonly base: ScalarType;
  readonly array: boolean;
  readonly nullable: boolean;
}

/**
 * The position of a raw event in its log. Positions are ordered by (partition, offset) within one
 * source.
 */
export interface Position {
  readonly partition: number;
  readonly offset: number;
}

/** An accepted raw event: its row and event time, and its position and time in the log. */
export interface RawEvent {
  readonly row: Row;
  /** epoch ms */
  readonly eventTime: number;
  readonly partition: number;
  readonly offset: number;
  /** epoch ms */
  readonly logTime: number;
}
