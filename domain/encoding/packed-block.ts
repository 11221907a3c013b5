/** A packed entity as the bytes that a store keeps (packed-entity.ts has the layout). */
import { FORM, HEAD_DOUBLES, type PackedEntity, type PackedHead } from './packed-entity.ts';
import { StoredBlock } from './stored-block.ts';

/** Writes the head, except the number of bytes of references. */
export const writeHead = (
  out: Float64Array,
  at: number,
  { partition, offset, whole, newest, keptFrom, since }: PackedHead,
): void => {
  out[at] = FORM;
  out[at + 1] = partition;
  out[at + 2] = offset;
  out[at + 3] = whole ? 1 : 0;
  out[at + 4] = newest;
  out[at + 5] = keptFrom;
  out[at + 6] = 0;
  out[at + 7] = since?.offset ?? -1;
  out[at + 8] = since?.hop ?? 0;
  out[at + 9] = since?.tileNo ?? 0;
  out[at + 10] = 0;
  out[at + 11] = 0;
};

type Refs = readonly (readonly (readonly unknown[])[])[];

export const hasRefs = (refs: Refs): boolean => {
  for (const hop of refs) for (const tile of hop) if (tile.length > 0) return true;
  return false;
};

/** Head and hops, followed by the references. */
export const withTail = (doubles: Uint8Array, refs: Refs): Uint8Array => {
  const tail = Buffer.from(JSON.stringify(refs));
  const bytes = new Uint8Array(doubles.length + tail.length);
  bytes.set(doubles);
  bytes.set(tail, doubles.length);
  new Float64Array(bytes.buffer, 0, HEAD_DOUBLES)[6] = tail.length;
  return bytes;
};

/** An entity that was written into its block, or read from a store, is already packed. */
export const packEntity = (entity: PackedEntity): Uint8Array => {
  if (entity instanceof StoredBlock) return entity.bytes;
  const doubles =
    HEAD_DOUBLES +
    entity.hops.reduce(
      (sum, hop) => sum + 1 + hop.tileNo.length * 4 + hop.nums.length + hop.fixed.length,
      0,
    );
  const out = new Float64Array(doubles);
  writeHead(out, 0, entity);
  let at = HEAD_DOUBLES;
  for (const hop of entity.hops) {
    out[at++] = hop.tileNo.length;
    for (const part of [
      hop.tileNo,
      hop.newest,
      hop.causePartition,
      hop.causeOffset,
      hop.nums,
      hop.fixed,
    ]) {
      out.set(part, at);
      at += part.length;
    }
  }
  const bytes = new Uint8Array(out.buffer);
  const refs = entity.hops.map((hop) => hop.refs);
  return hasRefs(refs) ? withTail(bytes, refs) : bytes;
};
