/**
 * Writes columns to DuckDB, 2,048 rows at a time.
 *
 * Numbers are collected in typed arrays in DuckDB's own layout and passed on with one copy per
 * column. A string or blob of up to 12 bytes lies inside its 16-byte `duckdb_string_t` (length,
 * then the bytes), so most keys are copied in the same way and never become JavaScript strings.
 * Only each longer one costs a call.
 */
import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DOUBLE,
  type DuckDBDataChunk,
  type DuckDBType,
  type DuckDBValue,
  FLOAT,
  INTEGER,
  LIST,
  listValue,
  TIMESTAMPTZ,
  VARCHAR,
} from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';

export const CHUNK_ROWS = 2048;
const INLINE_BYTES = 12;
/** of U+FEFF in UTF-8 */
const FIRST_OF_MARK = 0xef;

export interface ColumnWriter {
  readonly type: DuckDBType;
  setNull(row: number): void;
  /** int, long, float, double, boolean (0, 1), date (days), timestamptz (epoch ms) */
  setNumber(row: number, value: number): void;
  /** string (UTF-8) or binary; the bytes must not change until `flush` */
  setBytes(row: number, bytes: Uint8Array, start: number, end: number): void;
  /** string */
  setText(row: number, text: string): void;
  /** a list's elements, as DuckDB values */
  setList(row: number, items: readonly DuckDBValue[]): void;
  /**
   * true: some string began with a byte order mark, which DuckDB's client drops from the statistics
   * that it reports
   */
  readonly hasMark: boolean;
  /** copies the rows into column `index` of the chunk, and starts an empty set of rows */
  flush(chunk: DuckDBDataChunk, index: number): void;
}

interface Validity {
  setNull(row: number): void;
  flush(vector: duckdb.Vector): void;
}

const createValidity = (): Validity => {
  const bits = new Uint8Array(CHUNK_ROWS / 8).fill(255);
  let nulls = false;
  return {
    setNull(row) {
      bits[row >> 3] = (bits[row >> 3] as number) & ~(1 << (row & 7));
      nulls = true;
    },
    flush(vector) {
      if (!nulls) return;
      duckdb.vector_ensure_validity_writable(vector);
      duckdb.copy_data_to_vector_validity(vector, 0, bits.buffer, 0, bits.byteLength);
      bits.fill(255);
      nulls = false;
    },
  };
};

const wrongKind = (): never => {
  throw new TypeError('a column received a value of another type');
};
const base = {
  setNumber: wrongKind,
  setBytes: wrongKind,
  setText: wrongKind,
  setList: wrongKind,
  hasMark: false,
};

const numberWriter = (
  type: DuckDBType,
  data: Int32Array | Float32Array | Float64Array | Uint8Array,
): ColumnWriter => {
  const validity = createValidity();
  return {
    ...base,
    type,
    setNull: validity.setNull,
    setNumber(row, value) {
      data[row] = value;
    },
    flush(chunk, index) {
      const vector = duckdb.data_chunk_get_vector(chunk.chunk, index);
      duckdb.copy_data_to_vector(
        vector,
        0,
        data.buffer as ArrayBuffer,
        0,
        chunk.rowCount * data.BYTES_PER_ELEMENT,
      );
      validity.flush(vector);
    },
  };
};

/**
 * 64-bit integers from doubles, as two halves, without a bigint per row. The product of a time and
 * its scale has more digits than a double, so the halves are multiplied.
 */
const longWriter = (type: DuckDBType, scale: number): ColumnWriter => {
  const validity = createValidity();
  const halves = new Int32Array(CHUNK_ROWS * 2);
  return {
    ...base,
    type,
    setNull: validity.setNull,
    setNumber(row, value) {
      const high = Math.floor(value / 4_294_967_296);
      const low = (value - high * 4_294_967_296) * scale;
      const carry = Math.floor(low / 4_294_967_296);
      halves[row * 2] = low - carry * 4_294_967_296;
      halves[row * 2 + 1] = high * scale + carry;
    },
    flush(chunk, index) {
      const vector = duckdb.data_chunk_get_vector(chunk.chunk, index);
      duckdb.copy_data_to_vector(vector, 0, halves.buffer, 0, chunk.rowCount * 8);
      validity.flush(vector);
    },
  };
};

const utf8 = new TextEncoder();
const ARENA_BYTES = 64 * 1024;

/** Texts as bytes, without a buffer of its own for each. */
const createArena = () => {
  let arena = new Uint8Array(ARENA_BYTES);
  let used = 0;
  return {
    encode(text: string): Uint8Array {
      const most = text.length * 3;
      if (most > arena.length - used) {
        // the texts in the old one are still referred to
        arena = new Uint8Array(Math.max(ARENA_BYTES, most));
        used = 0;
      }
      const { written } = utf8.encodeInto(text, arena.subarray(used));
      used += written;
      return arena.subarray(used - written, used);
    },
    reset() {
      used = 0;
    },
  };
};

const bytesWriter = (type: DuckDBType): ColumnWriter => {
  const validity = createValidity();
  const arena = createArena();
  const bytes = new Uint8Array(CHUNK_ROWS * 16);
  const words = new Int32Array(bytes.buffer);
  let longRows: number[] = [];
  let longBytes: Uint8Array[] = [];
  let hasMark = false;
  const clear = (row: number): void => {
    const word = row * 4;
    words[word] = 0;
    words[word + 1] = 0;
    words[word + 2] = 0;
    words[word + 3] = 0;
  };
  const setBytes = (row: number, from: Uint8Array, start: number, end: number): void => {
    const length = end - start;
    if (from[start] === FIRST_OF_MARK) hasMark = true;
    clear(row);
    if (length > INLINE_BYTES) {
      longRows.push(row);
      longBytes.push(from.subarray(start, end));
      return;
    }
    words[row * 4] = length;
    const at = row * 16 + 4;
    for (let i = 0; i < length; i++) bytes[at + i] = from[start + i] as number;
  };
  /** @returns whether the text is short and ASCII, so that it was set */
  const setShort = (row: number, text: string): boolean => {
    const { length } = text;
    if (length > INLINE_BYTES) return false;
    clear(row);
    const at = row * 16 + 4;
    for (let i = 0; i < length; i++) {
      const char = text.charCodeAt(i);
      if (char > 127) return false;
      bytes[at + i] = char;
    }
    words[row * 4] = length;
    return true;
  };
  return {
    ...base,
    get hasMark() {
      return hasMark;
    },
    type,
    setNull(row) {
      clear(row);
      validity.setNull(row);
    },
    setBytes,
    setText(row, text) {
      if (setShort(row, text)) return;
      const encoded = arena.encode(text);
      setBytes(row, encoded, 0, encoded.length);
    },
    flush(chunk, index) {
      const vector = duckdb.data_chunk_get_vector(chunk.chunk, index);
      duckdb.copy_data_to_vector(vector, 0, bytes.buffer, 0, chunk.rowCount * 16);
      for (let i = 0; i < longRows.length; i++) {
        duckdb.vector_assign_string_element_len(
          vector,
          longRows[i] as number,
          longBytes[i] as Uint8Array,
        );
      }
      if (longRows.length > 0) {
        longRows = [];
        longBytes = [];
      }
      arena.reset();
      validity.flush(vector);
    },
  };
};

const listWriter = (element: DuckDBType): ColumnWriter => {
  let lists: (readonly DuckDBValue[] | null)[] = [];
  return {
    ...base,
    type: LIST(element),
    setNull(row) {
      lists[row] = null;
    },
    setList(row, items) {
      lists[row] = items;
    },
    flush(chunk, index) {
      chunk.setColumnValues(
        index,
        lists.slice(0, chunk.rowCount).map((items) => (items === null ? null : listValue(items))),
      );
      lists = [];
    },
  };
};

export const DUCKDB_TYPES: Readonly<Record<string, DuckDBType>> = {
  int: INTEGER,
  long: BIGINT,
  float: FLOAT,
  double: DOUBLE,
  boolean: BOOLEAN,
  timestamptz: TIMESTAMPTZ,
  date: DATE,
  string: VARCHAR,
  binary: BLOB,
};

/** By Iceberg type name; `list<…>` for lists of the scalar ones. */
export const columnWriter = (type: string): ColumnWriter => {
  switch (type) {
    case 'int':
      return numberWriter(INTEGER, new Int32Array(CHUNK_ROWS));
    case 'date':
      return numberWriter(DATE, new Int32Array(CHUNK_ROWS));
    case 'float':
      return numberWriter(FLOAT, new Float32Array(CHUNK_ROWS));
    case 'double':
      return numberWriter(DOUBLE, new Float64Array(CHUNK_ROWS));
    case 'boolean':
      return numberWriter(BOOLEAN, new Uint8Array(CHUNK_ROWS));
    case 'long':
      return longWriter(BIGINT, 1);
    case 'timestamptz':
      return longWriter(TIMESTAMPTZ, 1000);
    case 'string':
      return bytesWriter(VARCHAR);
    case 'binary':
      return bytesWriter(BLOB);
    default: {
      const element = DUCKDB_TYPES[type.slice('list<'.length, -1)];
      if (!type.startsWith('list<') || element === undefined)
        throw new TypeError(`no column for the type ${type}`);
      return listWriter(element);
    }
  }
};
