/**
 * A section of a saved state: entities of one part, one after the other.
 *
 *   entity   its key (text), the number of bytes of its tiles (long), its tiles (entity-codec.ts)
 *
 * A part has one section with all of its entities, and later ones with those that have changed
 * since. The last section that has an entity has its tiles.
 */
import { ByteWriter } from '#domain/avro/bytes.ts';
import { emptyCursor, pointAt, skipBytes } from '#domain/avro/reader.ts';
import type { TileStore } from '#domain/tiles/tile-store.ts';
import type { EntityCodec } from './entity-codec.ts';

type Visit = (key: string, tiles: Uint8Array, entry: Uint8Array) => void;

const visitEntities = (section: Uint8Array, visit: Visit): void => {
  const c = emptyCursor();
  pointAt(c, section);
  const { bytes } = c;
  const text = Buffer.from(bytes.buffer);
  while (c.at < c.end) {
    const from = c.at;
    const keyAt = skipBytes(c);
    const key = text.toString('utf8', keyAt, c.at);
    const tilesAt = skipBytes(c);
    visit(key, bytes.subarray(tilesAt, c.at), bytes.subarray(from, c.at));
  }
};

/**
 * @param sections oldest first
 * @param keeps which entities to visit
 */
const visitNewest = (
  sections: readonly Uint8Array[],
  keeps: (key: string) => boolean,
  visit: Visit,
): void => {
  const seen = new Set<string>();
  for (const section of sections.toReversed())
    visitEntities(section, (key, tiles, entry) => {
      if (sections.length > 1) {
        if (seen.has(key)) return;
        seen.add(key);
      }
      if (keeps(key)) visit(key, tiles, entry);
    });
};

/** Writes sections, one after the other. */
export class SectionWriter {
  private readonly writer = new ByteWriter();
  /** how many entities were added */
  entities = 0;

  reset(): void {
    this.writer.reset();
    this.entities = 0;
  }

  add(key: string, tiles: Uint8Array): void {
    this.writer.writeText(key);
    this.writer.writeLong(tiles.length);
    this.writer.writeBytes(tiles);
    this.entities++;
  }

  /** The newest state of each entity of these sections. */
  addAll(sections: readonly Uint8Array[], keeps: (key: string) => boolean): void {
    visitNewest(sections, keeps, (_key, _tiles, entry) => {
      this.writer.writeBytes(entry);
      this.entities++;
    });
  }

  /** What was written: valid until the next `reset`. */
  written(): Uint8Array {
    return this.writer.written();
  }
}

export const sectionHas = (section: Uint8Array, wanted: string): boolean => {
  let found = false;
  visitEntities(section, (key) => {
    found ||= key === wanted;
  });
  return found;
};

/** Adds the entities of sections to a store that lacks them. */
export const restoreSections = (
  store: TileStore,
  codec: EntityCodec,
  sections: readonly Uint8Array[],
  keeps: (key: string) => boolean,
): void =>
  visitNewest(sections, keeps, (key, tiles) => {
    codec.decode(store, key, tiles);
  });
