/** Rows as a stream of Apache Arrow IPC: the schema, a record batch for each batch, an end. */
import {
  Field,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  type TypeMap,
} from 'apache-arrow';
import { arrowData, arrowType } from './arrow-data.ts';
import type { SqlBatch, SqlColumn } from './sql-type.ts';

export const ARROW_STREAM = 'application/vnd.apache.arrow.stream';

/** Keeps what was written until it is taken; Arrow's own writers do not wait for their readers. */
class PulledWriter extends RecordBatchStreamWriter<TypeMap> {
  #written: Uint8Array[] = [];

  protected override _write(chunk: ArrayBufferView): this {
    if (chunk.byteLength > 0) {
      this.#written.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      this._position += chunk.byteLength;
    }
    return this;
  }

  take(): Uint8Array {
    const taken = Buffer.concat(this.#written);
    this.#written = [];
    return taken;
  }
}

export async function* arrowStream(
  columns: readonly SqlColumn[],
  batches: AsyncIterable<SqlBatch>,
): AsyncGenerator<Uint8Array> {
  const fields = columns.map(({ name, type }) => new Field(name, arrowType(type), true));
  const schema = new Schema(fields);
  const writer = new PulledWriter();
  writer.reset(undefined, schema);
  yield writer.take();
  for await (const { rows, columns: values } of batches) {
    const children = columns.map(({ type }, i) => arrowData(type, values[i] ?? []));
    const data = makeData({ type: new Struct(fields), length: rows, nullCount: 0, children });
    writer.write(new RecordBatch(schema, data));
    yield writer.take();
  }
  writer.finish();
  yield writer.take();
}
