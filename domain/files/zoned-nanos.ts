/**
 * DuckDB reads nanoseconds with a zone as microseconds, rounded towards zero, so that before 1970
 * some become a millisecond late. It reads nanoseconds without a zone exactly. In a Parquet file
 * the zone is one bit of the column's type: in a copy of the file it can be cleared. The values do
 * not change, because both kinds are counted from 1970 in UTC.
 */

/** As of Node's file handles. */
export interface PatchableFile {
  stat(): Promise<{ readonly size: number }>;
  read(
    into: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>;
  write(from: Uint8Array, offset: number, length: number, position: number): Promise<unknown>;
}

/**
 * A timestamp type in the footer (Thrift's compact protocol): field 8 of LogicalType, with
 * isAdjustedToUTC true, and NANOS, the unit's field 3.
 */
const ZONED_NANOS = [0x8c, 0x11, 0x1c, 0x3c, 0, 0, 0, 0] as const;
/** In place of the second byte: isAdjustedToUTC false. */
const NAIVE = Uint8Array.of(0x12);

/** The length of the footer, as four bytes, and "PAR1". */
const TAIL_BYTES = 8;

const placesOf = (footer: Uint8Array): readonly number[] => {
  const places: number[] = [];
  for (
    let at = footer.indexOf(ZONED_NANOS[0]);
    at >= 0;
    at = footer.indexOf(ZONED_NANOS[0], at + 1)
  )
    if (ZONED_NANOS.every((byte, i) => footer[at + i] === byte)) places.push(at + 1);
  return places;
};

/** Clears the zones of the file's columns of nanoseconds. The caller checks the columns. */
export const clearZones = async (file: PatchableFile): Promise<void> => {
  const { size } = await file.stat();
  const tail = new Uint8Array(TAIL_BYTES);
  await file.read(tail, 0, TAIL_BYTES, size - TAIL_BYTES);
  const length = new DataView(tail.buffer).getUint32(0, true);
  const start = size - TAIL_BYTES - length;
  if (start < 0) return;
  const footer = new Uint8Array(length);
  await file.read(footer, 0, length, start);
  for (const place of placesOf(footer)) await file.write(NAIVE, 0, 1, start + place);
};
