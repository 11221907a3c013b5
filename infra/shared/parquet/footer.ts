/** What a Parquet file's footer says: its columns, its row groups, where each column chunk is. */
import type { FileIO } from '#domain/ports/file-io.ts';
import { type Struct, thriftReader } from './thrift.ts';

export type PhysicalType = 'boolean' | 'int32' | 'int64' | 'float' | 'double' | 'bytes' | 'other';

export interface ParquetColumn {
  /** Iceberg's id; null: the file has none */
  readonly fieldId: number | null;
  readonly type: PhysicalType;
  /** whether its values are microseconds since 1970 */
  readonly micros: boolean;
  /** the highest definition level: 0 where it cannot be null */
  readonly maxDefinition: number;
  /** false: it is nested, in a list or a struct */
  readonly flat: boolean;
}

export interface ColumnChunk {
  readonly offset: number;
  readonly bytes: number;
  readonly codec: number;
  readonly encodings: readonly number[];
  readonly values: number;
  /** its smallest and largest value as plain bytes; null: not known */
  readonly min: Buffer | null;
  readonly max: Buffer | null;
  /** how many nulls it has; null: not known */
  readonly nulls: number | null;
}

export interface RowGroup {
  readonly rows: number;
  /** by column */
  readonly chunks: readonly ColumnChunk[];
}

export interface ParquetFooter {
  readonly columns: readonly ParquetColumn[];
  readonly groups: readonly RowGroup[];
}

const MAGIC = 'PAR1';
const TAIL_BYTES = 8;
/** The footer of most files is in the last bytes that are read at first. */
const GUESS_BYTES = 64 * 1024;

const PHYSICAL: readonly PhysicalType[] = [
  'boolean',
  'int32',
  'int64',
  'other',
  'float',
  'double',
  'bytes',
];
const [REQUIRED, , REPEATED] = [0, 1, 2];
/** of the older `ConvertedType`, and of `LogicalType` and its unit */
const [TIMESTAMP_MICROS, TIMESTAMP, MICROS] = [10, 8, 2];

const isMicros = (element: Struct): boolean => {
  const logical = element[10] as Struct | undefined;
  const timestamp = logical?.[TIMESTAMP] as Struct | undefined;
  if (timestamp !== undefined) return (timestamp[2] as Struct | undefined)?.[MICROS] !== undefined;
  return logical === undefined && element[6] === TIMESTAMP_MICROS;
};

/** The leaves of the schema, in the order of the column chunks. */
const columnsOf = (elements: readonly Struct[]): readonly ParquetColumn[] => {
  const columns: ParquetColumn[] = [];
  let at = 0;
  const walk = (depth: number, definition: number): void => {
    const element = elements[at++] as Struct;
    const repetition = element[3];
    const own = depth === 0 || repetition === REQUIRED ? definition : definition + 1;
    const children = (element[5] as number | undefined) ?? 0;
    for (let i = 0; i < children; i++) walk(depth + 1, own);
    if (children > 0 || depth === 0) return;
    columns.push({
      fieldId: (element[9] as number | undefined) ?? null,
      type: PHYSICAL[element[1] as number] ?? 'other',
      micros: isMicros(element),
      maxDefinition: own,
      flat: depth === 1 && repetition !== REPEATED,
    });
  };
  walk(0, 0);
  return columns;
};

const chunkOf = (column: Struct): ColumnChunk => {
  const meta = column[3] as Struct;
  const statistics = meta[12] as Struct | undefined;
  const dataOffset = meta[9] as number;
  const dictionaryOffset = meta[11] as number | undefined;
  return {
    offset: dictionaryOffset === undefined ? dataOffset : Math.min(dictionaryOffset, dataOffset),
    bytes: meta[7] as number,
    codec: meta[4] as number,
    encodings: meta[2] as readonly number[],
    values: meta[5] as number,
    min: (statistics?.[6] as Buffer | undefined) ?? null,
    max: (statistics?.[5] as Buffer | undefined) ?? null,
    nulls: (statistics?.[3] as number | undefined) ?? null,
  };
};

export const parseFooter = (bytes: Buffer): ParquetFooter => {
  const meta = thriftReader(bytes, 0).struct();
  return {
    columns: columnsOf(meta[2] as readonly Struct[]),
    groups: (meta[4] as readonly Struct[]).map((group) => ({
      rows: group[3] as number,
      chunks: (group[1] as readonly Struct[]).map(chunkOf),
    })),
  };
};

/** @returns null where the file is absent or is not Parquet */
export const readFooter = async (
  files: FileIO,
  uri: string,
  fileBytes: number,
): Promise<ParquetFooter | null> => {
  const tail = async (length: number): Promise<Buffer | null> => {
    const bytes = await files.readRange(uri, Math.max(0, fileBytes - length), length);
    return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  };
  const guess = await tail(GUESS_BYTES);
  if (guess === null || guess.length < TAIL_BYTES) return null;
  if (guess.toString('latin1', guess.length - MAGIC.length) !== MAGIC) return null;
  const length = guess.readUInt32LE(guess.length - TAIL_BYTES);
  const whole = length + TAIL_BYTES <= guess.length ? guess : await tail(length + TAIL_BYTES);
  if (whole === null || whole.length < length + TAIL_BYTES) return null;
  // A copy, so that the statistics do not keep all that was read.
  const start = whole.length - TAIL_BYTES - length;
  return parseFooter(Buffer.from(whole.subarray(start, start + length)));
};
