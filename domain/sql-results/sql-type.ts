/** The types and values of SQL results, whichever engine computed them. */

/**
 * How a value is held:
 *
 * | form | JavaScript |
 * |---|---|
 * | boolean | boolean |
 * | int, float, double | number |
 * | long | bigint of 64 bits |
 * | decimal | text of its digits: decimals, and whole numbers of more than 64 bits |
 * | string | string |
 * | bytes | Uint8Array |
 * | date | days since 1970, number |
 * | timestamp | microseconds since 1970, bigint |
 * | list | array of its elements; a map is a list of structs of key and value |
 * | struct | array of its fields' values |
 */
export type SqlForm =
  | 'boolean'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'decimal'
  | 'string'
  | 'bytes'
  | 'date'
  | 'timestamp';

export type SqlType =
  | { readonly form: SqlForm; readonly name: string }
  | { readonly form: 'list'; readonly name: string; readonly element: SqlType }
  | { readonly form: 'struct'; readonly name: string; readonly fields: readonly SqlColumn[] };

export type SqlValue = null | boolean | number | bigint | string | Uint8Array | readonly SqlValue[];

export interface SqlColumn {
  readonly name: string;
  readonly type: SqlType;
}

/** Some rows of a result, by columns, which all have `rows` values. */
export interface SqlBatch {
  readonly rows: number;
  readonly columns: readonly (readonly SqlValue[])[];
}
