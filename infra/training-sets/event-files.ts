/**
 * Raw events from Parquet files, with the time from which each is visible.
 *
 *   event-time   visible = event time
 *   as-served    visible = the later of event time and the time from which the event is known, by
 *                rule 1 of decision 5
 *
 * That is its log time; for rows before the first live event, an imported one has its known time
 * instead (decision 41).
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { ScannedColumns } from '#domain/ports/history.ts';
import type { RawFiles, TrainingSetJob } from '#domain/ports/training-set-builder.ts';
import { countsKnownTimes } from '#domain/sources/knowledge.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import { identifier } from '#domain/sql/duckdb/names.ts';
import { describe, parquetByName, parquetCount } from '#domain/sql/duckdb/parquet-files.ts';
import { fieldType } from '#domain/values/field-type.ts';
import type { FieldType } from '#domain/values/value.ts';
import { columnBatches } from '#infra/shared/iceberg/column-batches.ts';
import { sqlType } from '#infra/shared/iceberg/parquet-scan.ts';
import { icebergField, icebergType } from './duckdb-types.ts';

export interface EventScan {
  readonly source: SourceDefinition;
  readonly raw: RawFiles;
  readonly fields: Readonly<Record<string, FieldType>>;
  readonly mode: TrainingSetJob['mode'];
  /** as served: whether the known times of imported events count for the rows of this scan */
  readonly knownTimes?: boolean;
  /** only events of this event time, epoch ms; absent: all */
  readonly within?: { readonly from: number; readonly before: number } | undefined;
}

const columnsOf = async (
  connection: DuckDBConnection,
  files: readonly string[],
): Promise<ReadonlySet<string>> => {
  const described = await connection.runAndReadAll(describe(parquetByName(files)));
  return new Set(described.getRows().map(([name]) => String(name)));
};

export const countEvents = async (
  connection: DuckDBConnection,
  { files }: RawFiles,
): Promise<number> => {
  if (files.length === 0) return 0;
  const counted = await connection.runAndReadAll(parquetCount(files));
  return Number(counted.getRows()[0]?.[0] ?? 0);
};

/** The name of the time from which an event is visible: no field can have it. */
const VISIBLE = ' visible';

const META: Readonly<Record<string, FieldType>> = {
  _partition: fieldType('int'),
  _offset: fieldType('long'),
  _log_time: fieldType('timestamp'),
  [VISIBLE]: fieldType('long'),
};

const instant = (ms: number): string => `make_timestamptz(${BigInt(ms) * 1000n}::BIGINT)`;

/** @param time an event's time */
const inTimes = (time: string, within: EventScan['within']): readonly string[] => {
  if (within === undefined) return [];
  const before = `${time} < ${instant(within.before)}`;
  return Number.isFinite(within.from) ? [`${time} >= ${instant(within.from)}`, before] : [before];
};

const scanSql = (
  scan: EventScan,
  names: readonly string[],
  present: ReadonlySet<string>,
  types: Readonly<Record<string, FieldType>>,
  inOrder: boolean,
): string => {
  const { raw, mode, source } = scan;
  const { imports } = raw;
  const known =
    imports !== undefined && present.has(imports.field)
      ? `CAST(r.${identifier(imports.field)} AS TIMESTAMPTZ)`
      : null;
  const conditions = raw.below.map(
    (offset, partition) => `(r._partition = ${partition} AND r._offset < ${offset})`,
  );
  if (known !== null && imports !== undefined && countsKnownTimes(imports, imports.known)) {
    const inTime = `epoch_us(${known}) <= ${BigInt(imports.known) * 1000n}`;
    const ends = imports.end?.map(
      (offset, partition) => `(r._partition = ${partition} AND r._offset < ${offset})`,
    );
    conditions.push(
      ends === undefined ? inTime : `(${inTime} AND (${ends.join(' OR ') || 'false'}))`,
    );
  }
  const time = `CAST(r.${identifier(source.eventTime)} AS TIMESTAMPTZ)`;
  const knownFrom =
    scan.knownTimes === true && known !== null
      ? `least(r._log_time, coalesce(${known}, r._log_time))`
      : 'r._log_time';
  const visible = mode === 'event-time' ? time : `greatest(${time}, ${knownFrom})`;
  const column = (name: string): string => {
    if (name === VISIBLE) return `epoch_us(${visible})`;
    if (name === '_log_time') return `${knownFrom} AS _log_time`;
    const type = sqlType(icebergType(types[name] as FieldType));
    const value = present.has(name) ? `r.${identifier(name)}` : 'NULL';
    return `CAST(${value} AS ${type}) AS ${identifier(name)}`;
  };
  const counted = `(${conditions.join(' OR ') || 'false'})`;
  const where = [counted, ...inTimes(time, scan.within)].join(' AND ');
  const order = inOrder ? ` ORDER BY ${visible}, r._partition, r._offset` : '';
  return `SELECT ${names.map(column).join(', ')} FROM ${parquetByName(raw.files)} r WHERE ${where}${order}`;
};

async function* batchesOf(
  connection: DuckDBConnection,
  scan: EventScan,
  inOrder: boolean,
): AsyncGenerator<ScannedColumns> {
  const { raw, source } = scan;
  if (raw.files.length === 0) return;
  const timeType = sourceFields(source)[source.eventTime] as FieldType;
  const types = { ...scan.fields, [source.eventTime]: timeType, ...META };
  const names = Object.keys(types);
  const sql = scanSql(scan, names, await columnsOf(connection, raw.files), types, inOrder);
  const fields = names.map((name) => icebergField(name, types[name] as FieldType));
  const time = fields.find((field) => field.name === source.eventTime) as (typeof fields)[number];
  const batches = columnBatches(fields, time, [...Object.keys(scan.fields), VISIBLE]);
  const result = await connection.stream(sql);
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    const full = batches.add(chunk);
    if (full !== null) yield full;
  }
  const rest = batches.rest();
  if (rest !== null) yield rest;
}

export interface UnorderedEvents extends ScannedColumns {
  /** by event: when it becomes visible, microseconds since 1970 */
  readonly visible: Float64Array;
}

/** Events in any order, which costs half as much as in order. */
export async function* scanEvents(
  connection: DuckDBConnection,
  scan: EventScan,
): AsyncGenerator<UnorderedEvents> {
  for await (const batch of batchesOf(connection, scan, false))
    yield { ...batch, visible: batch.columns[VISIBLE] as Float64Array };
}

/**
 * Events in the order of visible time, partition and offset. DuckDB sorts them, and spills what
 * does not fit in memory.
 */
export const scanInOrder = (
  connection: DuckDBConnection,
  scan: EventScan,
): AsyncGenerator<ScannedColumns> => batchesOf(connection, scan, true);
