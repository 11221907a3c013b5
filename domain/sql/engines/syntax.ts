/**
 * What differs between the SQL of the engines that people ask. All else is printed the same way for
 * each: arithmetic in doubles, times as epoch ms, and what an engine's own function would do
 * otherwise (rounding, least and greatest, parts of times) from these few.
 */
import type { ScalarType } from '#domain/values/value.ts';
import type { NotSupported } from '../dialect.ts';

/** The columns of a source's table, and its name, as the engine sees them. */
export interface EventsTable {
  /** quoted */
  readonly table: string;
  readonly partition: string;
  readonly offset: string;
}

/** The value of the first or last event. @param order the columns of the total order */
export type PickAtEnd = (end: 'first' | 'last', value: string, order: readonly string[]) => string;

export interface Syntax {
  /** as on the command line */
  readonly name: string;
  /** as in messages: "Trino" */
  readonly title: string;
  readonly quote: '"' | '`';
  /** whether a backslash in a text literal escapes what follows */
  readonly escapes: boolean;
  /** nullable; a timestamp is epoch ms and a date is days since 1970-01-01, both as `long` */
  readonly types: Readonly<Record<Exclude<ScalarType, 'timestamp' | 'date'> | 'decimal', string>>;
  /** number of code points */
  readonly length: (text: string) => string;
  /** from 1, by code points */
  readonly substring: (text: string, from: string, count?: string) => string;
  readonly concat: (parts: readonly string[]) => string;
  /** 0 where the part is not in the text */
  readonly position: (text: string, part: string) => string;
  /** removes spaces only */
  readonly trim: (text: string) => string;
  readonly lower: string;
  readonly upper: string;
  readonly replace: string;
  readonly leftPad: string;
  /** whether a regular expression is found in the text; @param pattern a literal */
  readonly matches: (text: string, pattern: string) => string;
  /** null where the text is not a number, or is none that a double holds */
  readonly parseDouble: (text: string) => string;
  /** epoch ms of a column of an Iceberg table of type timestamptz */
  readonly fromTimestamp: (column: string) => string;
  /** days of a column of type date */
  readonly fromDate: (column: string) => string;
  /** epoch ms */
  readonly now: string;
  readonly array: ((items: readonly string[]) => string) | NotSupported;
  readonly pick: PickAtEnd | NotSupported;
  /** whether `%` of doubles has no error of a division */
  readonly exactRemainder: boolean;
  readonly variance: string;
  readonly stddev: string;
  /** whether a condition may choose between an array and null */
  readonly nullableArrays: boolean;
  /** whether the name that a query gives to a value hides a column of that name within the query */
  readonly namesHide: boolean;
  readonly events: (source: string, fields: ReadonlySet<string>) => EventsTable;
  /** what must hold wherever the SQL runs */
  readonly notes: readonly string[];
}

export const quoted = ({ quote }: Syntax, name: string): string =>
  `${quote}${name.replaceAll(quote, quote + quote)}${quote}`;

export const textLiteral = ({ escapes }: Syntax, text: string): string =>
  escapes
    ? `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
    : `'${text.replaceAll("'", "''")}'`;

/** A double, whatever the engine takes a number without an exponent for. */
export const doubleLiteral = (n: number): string => {
  const text = Number.isSafeInteger(n) ? `${n}E0` : n.toExponential().replace('e', 'E');
  return n < 0 ? `(${text})` : text;
};

export const columnType = ({ types }: Syntax, base: ScalarType): string =>
  base === 'timestamp' || base === 'date' ? types.long : types[base];
