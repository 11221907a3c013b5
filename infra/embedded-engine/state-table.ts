/**
 * What the file VIEW.GENERATION.state says: where the parts of a saved state are. It is replaced
 * atomically, so it decides what the state is; the files that it names never change.
 *
 *     bytes   0  "MRST"
 *             4  CRC-32 of all that follows
 *             8  next offset of features.<view>, double
 *            16  bytes that follow byte 40, double
 *            24  id of the platform (a UUID, 16 bytes)
 *            40  u32 length of the head, the head (JSON), then for each part the number of its
 *                sections; for each section its file, place, bytes and CRC-32; and the number of
 *                the part's entities (Avro longs)
 *
 * "MRS2" is the form of an earlier release, whose state (tile-snapshot.ts) follows byte 40.
 */
import { crc32 } from 'node:zlib';
import { ByteWriter } from '#domain/avro/bytes.ts';
import { emptyCursor, finish, pointAt, readLong } from '#domain/avro/reader.ts';

export const STATE_HEADER_BYTES = 40;
/** several bits from the others, so that no flipped one makes it another form */
const IN_PARTS = 0x4d_52_53_54; // MRST
const IN_ONE_PIECE = 0x4d_52_53_32; // MRS2
/** states of earlier releases: they have no checksum, so they are built again, once */
const WITHOUT_CHECKSUM = 0x4d_52_53_31; // MRS1

/** A range of bytes in a file of parts. */
export interface Section {
  /** number of the file */
  readonly file: number;
  readonly at: number;
  readonly bytes: number;
  readonly crc: number;
}

export interface SavedPart {
  /** oldest first: all entities that the part had, then those that changed since */
  readonly sections: readonly Section[];
  /** at least 1 where there is a section */
  readonly entities: number;
}

export const NOTHING: SavedPart = { sections: [], entities: 0 };

export interface StateTable {
  /** next offset of features.<view> to apply */
  readonly nextOffset: number;
  /** hash of the plan */
  readonly plan: string;
  readonly watermark: number;
  readonly newestOfAll: number;
  readonly tiles: number;
  /** hashes of the keys that were dropped from memory; ∞: every key may have been */
  readonly dropped: { readonly size: number; readonly section: Section | null };
  /** the files, by number, with their bytes */
  readonly files: ReadonlyMap<number, number>;
  /** a power of two of them: entity-parts.ts */
  readonly parts: readonly SavedPart[];
}

interface Head {
  readonly plan: string;
  /** null for −∞, which JSON lacks */
  readonly watermark: number | null;
  readonly newestOfAll: number | null;
  readonly tiles: number;
  /** `size` null: ∞ */
  readonly dropped: { readonly size: number | null; readonly section: Section | null };
  readonly files: readonly (readonly [file: number, bytes: number])[];
  readonly parts: number;
}

const uuidBytes = (uuid: string): Buffer => Buffer.from(uuid.replaceAll('-', ''), 'hex');
const finite = (n: number): number | null => (Number.isFinite(n) ? n : null);

export type StateForm = 'parts' | 'one piece' | 'without checksum' | 'unknown';

export const formOf = (bytes: Buffer): StateForm => {
  if (bytes.length < 4) return 'unknown';
  switch (bytes.readUInt32LE(0)) {
    case IN_PARTS:
      return 'parts';
    case IN_ONE_PIECE:
      return 'one piece';
    case WITHOUT_CHECKSUM:
      return 'without checksum';
    default:
      return 'unknown';
  }
};

/** Why the bytes of a `.state` file cannot be used; null: they can. */
export const flawOf = (bytes: Buffer, platform: string, end: number): string | null => {
  const form = formOf(bytes);
  if (bytes.length < STATE_HEADER_BYTES || (form !== 'parts' && form !== 'one piece'))
    return 'it is damaged';
  const size = bytes.readDoubleLE(16) + STATE_HEADER_BYTES;
  if (size !== bytes.length) return `it is damaged: it has ${bytes.length} bytes, not ${size}`;
  if (crc32(bytes.subarray(8)) !== bytes.readUInt32LE(4))
    return 'it is damaged: its checksum does not fit its content';
  if (!bytes.subarray(24, STATE_HEADER_BYTES).equals(uuidBytes(platform)))
    return 'it is of another platform';
  const nextOffset = bytes.readDoubleLE(8);
  if (nextOffset > end)
    return `it is newer than the database: it reaches offset ${nextOffset}, and the log ${end}`;
  return null;
};

export const nextOffsetOf = (bytes: Buffer): number => bytes.readDoubleLE(8);

/** @param state what follows byte 40 */
const stateBytes = (
  magic: number,
  nextOffset: number,
  platform: string,
  state: readonly Uint8Array[],
): Buffer => {
  const header = Buffer.alloc(STATE_HEADER_BYTES);
  const bytes = Buffer.concat([header, ...state]);
  bytes.writeUInt32LE(magic, 0);
  bytes.writeDoubleLE(nextOffset, 8);
  bytes.writeDoubleLE(bytes.length - STATE_HEADER_BYTES, 16);
  uuidBytes(platform).copy(bytes, 24);
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4);
  return bytes;
};

const headBytes = (table: StateTable): Uint8Array => {
  const { plan, watermark, newestOfAll, tiles, dropped, files, parts } = table;
  const head: Head = {
    plan,
    watermark: finite(watermark),
    newestOfAll: finite(newestOfAll),
    tiles,
    dropped: { ...dropped, size: finite(dropped.size) },
    files: [...files],
    parts: parts.length,
  };
  const json = Buffer.from(JSON.stringify(head));
  const bytes = Buffer.alloc(4 + json.length);
  bytes.writeUInt32LE(json.length);
  json.copy(bytes, 4);
  return bytes;
};

export const tableBytes = (table: StateTable, platform: string): Buffer => {
  const writer = new ByteWriter();
  for (const { sections, entities } of table.parts) {
    writer.writeLong(sections.length);
    for (const { file, at, bytes, crc } of sections) {
      writer.writeLong(file);
      writer.writeLong(at);
      writer.writeLong(bytes);
      writer.writeLong(crc);
    }
    if (sections.length > 0) writer.writeLong(entities);
  }
  const state = [headBytes(table), writer.written()];
  return stateBytes(IN_PARTS, table.nextOffset, platform, state);
};

/** The table of bytes without a flaw, in the form `parts`. */
export const readTable = (bytes: Buffer): StateTable => {
  const length = bytes.readUInt32LE(STATE_HEADER_BYTES);
  const from = STATE_HEADER_BYTES + 4;
  const head = JSON.parse(bytes.toString('utf8', from, from + length)) as Head;
  const c = emptyCursor();
  pointAt(c, bytes.subarray(from + length));
  const parts: SavedPart[] = [];
  for (let part = 0; part < head.parts; part++) {
    const count = readLong(c);
    if (count === 0) {
      parts.push(NOTHING);
      continue;
    }
    const sections: Section[] = [];
    for (let i = 0; i < count; i++)
      sections.push({ file: readLong(c), at: readLong(c), bytes: readLong(c), crc: readLong(c) });
    parts.push({ sections, entities: readLong(c) });
  }
  finish(c, 'a saved state');
  return {
    nextOffset: nextOffsetOf(bytes),
    plan: head.plan,
    watermark: head.watermark ?? Number.NEGATIVE_INFINITY,
    newestOfAll: head.newestOfAll ?? Number.NEGATIVE_INFINITY,
    tiles: head.tiles,
    dropped: { ...head.dropped, size: head.dropped.size ?? Number.POSITIVE_INFINITY },
    files: new Map(head.files),
    parts,
  };
};

/**
 * The part of a table that has the entities of a part of a store, which may be divided into more.
 */
export const partOf = (table: StateTable | null, part: number): SavedPart =>
  table?.parts[part & (table.parts.length - 1)] ?? NOTHING;

/** Every section that a table names. */
export function* sectionsOf({
  parts,
  dropped,
}: Pick<StateTable, 'parts' | 'dropped'>): Generator<Section> {
  for (const { sections } of parts) yield* sections;
  if (dropped.section !== null) yield dropped.section;
}
