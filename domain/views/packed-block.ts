/** A packed entity as the bytes that a store keeps: see packed-entity.ts for what lies where. */
import { FORM, HEAD_DOUBLES, type PackedEntity, type PackedHead, type PackedTiles } from './packed-entity.ts';

const writeHead = (out: Float64Array, { partition, offset, whole, newest, keptFrom, since }: PackedHead): void => {
  out[0] = FORM;
  out[1] = partition;
  out[2] = offset;
  out[3] = whole ? 1 : 0;
  out[4] = newest;
  out[5] = keptFrom;
  out[7] = since?.offset ?? -1;
  out[8] = since?.hop ?? 0;
  out[9] = since?.tileNo ?? 0;
};

/**
 * An entity that was made in its block, and so is packed already. The block is private to it: a copy with other values (`{ ...entity, whole:
 * false }`) has none.
 */
class EntityInBlock implements PackedEntity {
  readonly partition: number;
  readonly offset: number;
  readonly whole: boolean;
  readonly since: PackedHead['since'];
  readonly newest: number;
  readonly keptFrom: number;
  readonly hops: readonly PackedTiles[];
  readonly #block: Float64Array;

  constructor(
    { partition, offset, whole, since, newest, keptFrom }: PackedHead,
    hops: readonly PackedTiles[],
    block: Float64Array,
  ) {
    this.partition = partition;
    this.offset = offset;
    this.whole = whole;
    this.since = since;
    this.newest = newest;
    this.keptFrom = keptFrom;
    this.hops = hops;
    this.#block = block;
  }

  static blockOf(entity: PackedEntity): Float64Array | null {
    return #block in entity ? entity.#block : null;
  }
}

/** @param block has room for the head, and the hops behind it */
export const entityInBlock = (head: PackedHead, hops: readonly PackedTiles[], block: Float64Array): PackedEntity => {
  writeHead(block, head);
  return new EntityInBlock(head, hops, block);
};

const blockOf = (entity: PackedEntity): Float64Array => {
  const made = EntityInBlock.blockOf(entity);
  if (made !== null) return made;
  const doubles =
    HEAD_DOUBLES + entity.hops.reduce((sum, hop) => sum + 1 + hop.tileNo.length * 4 + hop.nums.length + hop.fixed.length, 0);
  const out = new Float64Array(doubles);
  writeHead(out, entity);
  let at = HEAD_DOUBLES;
  for (const hop of entity.hops) {
    out[at++] = hop.tileNo.length;
    for (const part of [hop.tileNo, hop.newest, hop.causePartition, hop.causeOffset, hop.nums, hop.fixed]) {
      out.set(part, at);
      at += part.length;
    }
  }
  return out;
};

const hasRefs = ({ hops }: PackedEntity): boolean => {
  for (const { refs } of hops) for (const tile of refs) if (tile.length > 0) return true;
  return false;
};

export const packEntity = (entity: PackedEntity): Uint8Array => {
  const block = blockOf(entity);
  const doubles = new Uint8Array(block.buffer, block.byteOffset, block.byteLength);
  if (!hasRefs(entity)) return doubles;
  const tail = Buffer.from(JSON.stringify(entity.hops.map((hop) => hop.refs)));
  const bytes = new Uint8Array(doubles.length + tail.length);
  bytes.set(doubles);
  bytes.set(tail, doubles.length);
  new Float64Array(bytes.buffer, 0, HEAD_DOUBLES)[6] = tail.length;
  return bytes;
};
