/**
 * The lookup server's protocol: length-prefixed frames over TCP, little-endian, pipelined by
 * request id.
 *
 *   frame          u32 length of what follows | u8 kind of request, or code of answer | 3 zeros
 *                  | u32 request id | body
 *
 *   OPEN (1)       text table
 *                  | u32 hops × (f64 hop_ms | u32 n × text number column
 *                                | u32 n × text reference column)
 *     answer       u32 handle | u32 0 | f64 snapshot id | f64 its commit time, ms
 *                  | text JSON: { keys, columns, tiled, buckets }
 *   LOOKUP (2)     u32 handle | u32 entities | hops × (f64 from | f64 to)
 *                  | each entity's key values
 *   LOOKUP_AT (3)  u32 handle | u32 entities | u32 0: by snapshot id, 1: by time | u32 0
 *                  | f64 id, or ms | ranges and keys as in LOOKUP
 *     answer       f64 snapshot id | f64 commit time | u32 entities | u32 hops
 *                  | entities × hops × u32 tiles found | zeros up to a multiple of 8
 *                  | tiles, by entity, hop, start, each as f64s: tile_start, newest_event_time,
 *                    cause_partition, cause_offset, numbers …
 *                  | for the tiles of hops with references: u32 length of each
 *                  | their texts, a JSON array a tile
 *   STATUS (4)     nothing
 *     answer       text JSON
 *
 * Answers come in any order. An invalid request closes the connection. text = u32 bytes, UTF-8.
 * Whole numbers are sent as f64. An answer's code is 0 (OK), or one of CODES with a text that gives
 * the reason.
 *
 * A handle belongs to its connection: a table, and the columns wanted of each hop. A range is of
 * tile starts, inclusive; from > to is an empty range; hops of 0 and below (the all-time tile, the
 * entity's row) have one tile, which starts at 0. A number column that is null is NaN. A key value
 * is text or bytes (u32 length first), boolean (u8), or else f64. All entities of an answer are of
 * one snapshot. A table without hop_ms and tile_start in its primary key answers a row as the tile
 * of hop 0 that starts at 0.
 */
import type { ErrorCode } from '#domain/errors.ts';
import type { Scalar } from '#domain/values/value.ts';

export const KINDS = { open: 1, lookup: 2, lookupAt: 3, status: 4 } as const;

/** The errors of the server's codes, by number. */
export const CODES: readonly (ErrorCode | null)[] = [
  null,
  'MR_NOT_FOUND', // no such table
  'MR_UNKNOWN_COLUMN',
  'MR_NOT_FOUND', // the snapshot is no longer kept
  'MR_QUERY_TOO_LARGE',
  'MR_STORAGE_FAILED', // a table of a kind that can't be looked up
  'MR_STORAGE_FAILED',
  'MR_STORE_UNAVAILABLE', // the handle is not, or no longer, open
];
export const CODE_NOT_FOUND = 1;
export const CODE_HANDLE_UNKNOWN = 7;

/** Floats of a tile before its number columns. */
export const META = {
  tileStart: 0,
  newestEventTime: 1,
  causePartition: 2,
  causeOffset: 3,
} as const;
export const META_WIDTH = 4;

export interface HopColumns {
  readonly hopMs: number;
  readonly nums: readonly string[];
  readonly refs: readonly string[];
}

export interface TileRange {
  readonly from: number;
  readonly to: number;
}

export interface TableDescription {
  /** the entity's key columns, in order */
  readonly keys: readonly { readonly name: string; readonly type: string }[];
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly tiled: boolean;
  readonly buckets: number;
}

/** One entity's tiles of one hop, ascending by start. */
export interface FoundTiles {
  readonly count: number;
  /** floats per tile: META_WIDTH, then the number columns */
  readonly width: number;
  /** count × width floats: a view on the answer, not a copy */
  readonly data: Float64Array;
  /** the reference columns of tile i */
  readonly refs: (i: number) => readonly unknown[];
}

export interface LookupAnswer {
  readonly snapshotId: number;
  /** when that snapshot was committed, epoch ms */
  readonly commitTime: number;
  readonly tiles: (entity: number, hop: number) => FoundTiles;
}

export const HEAD = 8;

export interface Writer {
  readonly u8: (value: number) => void;
  readonly u32: (value: number) => void;
  readonly f64: (value: number) => void;
  readonly text: (value: string) => void;
  readonly bytes: (value: Uint8Array) => void;
  /** The frame, its length filled in. */
  readonly frame: () => Buffer;
}

/** Starts a frame: kind and id come first. */
export const frameWriter = (kind: number, id: number): Writer => {
  let buffer = Buffer.allocUnsafe(512);
  let at = 4 + HEAD;
  const room = (bytes: number): void => {
    if (at + bytes <= buffer.length) return;
    const more = Buffer.allocUnsafe(Math.max(buffer.length * 2, at + bytes));
    buffer.copy(more, 0, 0, at);
    buffer = more;
  };
  buffer.writeUInt32LE(kind, 4);
  buffer.writeUInt32LE(id, 8);
  return {
    u8(value) {
      room(1);
      at = buffer.writeUInt8(value, at);
    },
    u32(value) {
      room(4);
      at = buffer.writeUInt32LE(value, at);
    },
    f64(value) {
      room(8);
      at = buffer.writeDoubleLE(value, at);
    },
    text(value) {
      const length = Buffer.byteLength(value);
      room(4 + length);
      at = buffer.writeUInt32LE(length, at);
      at += buffer.write(value, at);
    },
    bytes(value) {
      room(4 + value.length);
      at = buffer.writeUInt32LE(value.length, at);
      buffer.set(value, at);
      at += value.length;
    },
    frame() {
      buffer.writeUInt32LE(at - 4, 0);
      return buffer.subarray(0, at);
    },
  };
};

export const writeOpen = (w: Writer, table: string, hops: readonly HopColumns[]): void => {
  w.text(table);
  w.u32(hops.length);
  for (const { hopMs, nums, refs } of hops) {
    w.f64(hopMs);
    for (const names of [nums, refs]) {
      w.u32(names.length);
      for (const name of names) w.text(name);
    }
  }
};

export type KeyWriter = (w: Writer, value: Scalar) => void;

/** How values of a Paimon type are encoded; bytes are base64 text here, as in rows. */
export const keyWriter = (type: string): KeyWriter => {
  if (/^(STRING|CHAR|VARCHAR)/.test(type)) return (w, value) => w.text(String(value));
  if (/^(BYTES|BINARY|VARBINARY)/.test(type))
    return (w, value) => w.bytes(Buffer.from(String(value), 'base64'));
  if (type.startsWith('BOOLEAN')) return (w, value) => w.u8(value === true ? 1 : 0);
  return (w, value) => w.f64(Number(value));
};

export interface Opened {
  readonly handle: number;
  readonly snapshotId: number;
  readonly commitTime: number;
  readonly description: TableDescription;
}

/** Bodies begin HEAD bytes into an answer's own buffer. */
export const readText = (answer: ArrayBuffer, at: number): string => {
  const length = new DataView(answer).getUint32(at, true);
  return Buffer.from(answer, at + 4, length).toString('utf8');
};

export const readOpened = (answer: ArrayBuffer): Opened => {
  const view = new DataView(answer);
  return {
    handle: view.getUint32(HEAD, true),
    snapshotId: view.getFloat64(HEAD + 8, true),
    commitTime: view.getFloat64(HEAD + 16, true),
    description: JSON.parse(readText(answer, HEAD + 24)) as TableDescription,
  };
};

const EMPTY = new Float64Array(0);

export const readAnswer = (answer: ArrayBuffer, columns: readonly HopColumns[]): LookupAnswer => {
  const view = new DataView(answer);
  const entities = view.getUint32(HEAD + 16, true);
  const hops = columns.length;
  const counts = new Uint32Array(answer, HEAD + 24, entities * hops);
  const widths = columns.map(({ nums }) => META_WIDTH + nums.length);
  const hasRefs = columns.map(({ refs }) => refs.length > 0);
  let at = Math.ceil((HEAD + 24 + counts.byteLength) / 8) * 8;
  /**
   * where each entity's hop begins: its floats, in bytes, and its first tile among those with
   * references
   */
  const floats = new Float64Array(counts.length);
  const firsts = new Uint32Array(counts.length);
  let withRefs = 0;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] as number;
    floats[i] = at;
    firsts[i] = withRefs;
    at += count * (widths[i % hops] as number) * 8;
    if (hasRefs[i % hops] === true) withRefs += count;
  }
  const lengths = new Uint32Array(answer, at, withRefs);
  let texts: Float64Array | null = null;
  /** where each tile's references begin; computed at the first use */
  const textsAt = (): Float64Array => {
    if (texts !== null) return texts;
    texts = new Float64Array(withRefs);
    let from = at + lengths.byteLength;
    for (let i = 0; i < withRefs; i++) {
      texts[i] = from;
      from += lengths[i] as number;
    }
    return texts;
  };
  return {
    snapshotId: view.getFloat64(HEAD, true),
    commitTime: view.getFloat64(HEAD + 8, true),
    tiles(entity, hop) {
      const i = entity * hops + hop;
      const count = counts[i] as number;
      const width = widths[hop] as number;
      return {
        count,
        width,
        data: count === 0 ? EMPTY : new Float64Array(answer, floats[i] as number, count * width),
        refs(tile) {
          if (hasRefs[hop] !== true) return [];
          const r = (firsts[i] as number) + tile;
          return JSON.parse(
            Buffer.from(answer, textsAt()[r] as number, lengths[r] as number).toString('utf8'),
          ) as readonly unknown[];
        },
      };
    },
  };
};
