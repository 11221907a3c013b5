/**
 * Batches as bytes: their size is then known before they are sent, and what is sent at once is
 * bounded, whatever the values are.
 */
import { deserialize, serialize } from 'node:v8';
import type { SqlBatch } from '#domain/sql-results/sql-type.ts';
import { rowTooLarge } from './limit-errors.ts';

const MAX_MEGABYTES = 8;
const MAX_BYTES = MAX_MEGABYTES * 1024 * 1024;

const slice = ({ columns }: SqlBatch, from: number, to: number): SqlBatch => ({
  rows: to - from,
  columns: columns.map((values) => values.slice(from, to)),
});

/** @throws MR_SQL_LIMIT where one row is too large */
export const packed = (batch: SqlBatch): readonly Uint8Array[] => {
  const bytes = serialize(batch);
  if (bytes.length <= MAX_BYTES) return [bytes];
  const { rows } = batch;
  if (rows === 1) throw rowTooLarge(MAX_MEGABYTES);
  const half = Math.floor(rows / 2);
  return [...packed(slice(batch, 0, half)), ...packed(slice(batch, half, rows))];
};

export const unpacked = (bytes: Uint8Array): SqlBatch => deserialize(bytes) as SqlBatch;
