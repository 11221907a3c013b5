/**
 * Dates and timestamps that DuckDB reports as text, as whole numbers. DuckDB reads its own texts:
 * those before the year 1 have a form of their own ("0001-12-31 (BC)").
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { literal } from '#domain/sql/duckdb/names.ts';
import { epochDays } from '#domain/sql/duckdb/times.ts';

/** Digits of a text: days since 1970 of a date, microseconds since 1970 of a timestamp. */
export type Moments = (type: string, text: string) => string;

const keyOf = (type: string, text: string): string => `${type} ${text}`;

export const readMoments = async (
  connection: DuckDBConnection,
  texts: readonly (readonly [type: string, text: string])[],
): Promise<Moments> => {
  const distinct = [...new Map(texts.map((text) => [keyOf(...text), text])).values()];
  if (distinct.length === 0) return (_, text) => text;
  const each = distinct.map(([type, text]) =>
    type === 'date'
      ? epochDays(`CAST(${literal(text)} AS DATE)`)
      : `epoch_us(CAST(${literal(text)} AS TIMESTAMPTZ))`,
  );
  const read = await connection.runAndReadAll(`SELECT unnest([${each.join(', ')}])`);
  const digits = new Map(
    read.getRows().map(([moment], i) => {
      const [type, text] = distinct[i] as (typeof distinct)[number];
      return [keyOf(type, text), String(moment)];
    }),
  );
  return (type, text) => digits.get(keyOf(type, text)) as string;
};

export const isMoment = (type: string | undefined): boolean =>
  type === 'date' || type === 'timestamptz';
