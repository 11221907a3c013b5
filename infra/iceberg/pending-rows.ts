/** Rows before their commit: decoded into columns, appended to a DuckDB table chunk by chunk. */
import { type DuckDBAppender, type DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import type { LogRecord } from '#domain/ports/log.ts';
import { identifier } from '#domain/sql/duckdb/names.ts';
import { CHUNK_ROWS, type ColumnWriter } from '#infra/shared/duckdb/column-parts.ts';
import { columnWriter } from '#infra/shared/duckdb/column-writer.ts';
import { type IcebergField, isMeta, typeName } from '#infra/shared/iceberg/schema.ts';
import { type RecordDecoder, recordDecoder } from './record-decoder.ts';

export interface PendingRows {
  readonly relation: string;
  readonly count: number;
  add(record: LogRecord, schema: object): void;
  /** columns whose bounds cannot be computed correctly */
  unbounded(): ReadonlySet<string>;
  flush(): void;
  /** deletes the rows */
  drop(): Promise<void>;
}

let created = 0;

export const pendingRows = async (
  connection: DuckDBConnection,
  fields: readonly IcebergField[],
): Promise<PendingRows> => {
  const relation = `pending_${++created}`;
  const columns = fields.map((field) => [field.name, columnWriter(typeName(field))] as const);
  const types = columns.map(([, column]) => column.type);
  await connection.run(
    `CREATE TABLE ${relation} (${columns.map(([name, { type }]) => `${identifier(name)} ${type}`).join(', ')})`,
  );
  const appender: DuckDBAppender = await connection.createAppender(relation);
  const byName = new Map(columns);
  const partition = byName.get('_partition') as ColumnWriter;
  const offset = byName.get('_offset') as ColumnWriter;
  const logTime = byName.get('_log_time') as ColumnWriter;
  const data = new Map(columns.filter(([name]) => !isMeta(name)));
  const decoders = new Map<number, RecordDecoder>();
  let row = 0;
  let count = 0;

  const flushChunk = (): void => {
    if (row === 0) return;
    const chunk = DuckDBDataChunk.create(types, row);
    for (let i = 0; i < columns.length; i++)
      (columns[i] as readonly [string, ColumnWriter])[1].flush(chunk, i);
    appender.appendDataChunk(chunk);
    row = 0;
  };

  return {
    relation,
    get count() {
      return count;
    },
    add(record, schema) {
      let decode = decoders.get(record.schemaId);
      if (decode === undefined) {
        decode = recordDecoder(schema, data);
        decoders.set(record.schemaId, decode);
      }
      decode(record.value, row);
      partition.setNumber(row, record.partition);
      offset.setNumber(row, record.offset);
      logTime.setNumber(row, record.logTime);
      count++;
      if (++row === CHUNK_ROWS) flushChunk();
    },
    unbounded: () => new Set(columns.filter(([, column]) => column.hasMark).map(([name]) => name)),
    flush() {
      flushChunk();
      appender.flushSync();
    },
    async drop() {
      appender.closeSync();
      await connection.run(`DROP TABLE ${relation}`);
    },
  };
};
