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

/** @param sections oldest first */
const visitNewest = (sections: readonly Uint8Array[], visit: Visit): void => {
  const seen = new Set<string>();
  for (const section of sections.toReversed())
    visitEntities(section, (key, tiles, entry) => {
      if (sections.length > 1) {
        if (seen.has(key)) return;
        seen.add(key);
      }
      visit(key, tiles, entry);
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

  /**
   * The newest state of each entity of these sections.
   * @param tilesOf `same`: as they are there; null: the entity is left out
   */
  addAll(
    sections: readonly Uint8Array[],
    tilesOf: (key: string) => Uint8Array | 'same' | null,
  ): void {
    visitNewest(sections, (key, _tiles, entry) => {
      const tiles = tilesOf(key);
      if (tiles === null) return;
      if (tiles !== 'same') return this.add(key, tiles);
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

/**
 * Adds entities of sections to a store that lacks them.
 * @returns how many
 */
export const restoreSections = (
  store: TileStore,
  codec: EntityCodec,
  sections: readonly Uint8Array[],
  wants: (key: string) => boolean,
): number => {
  let added = 0;
  visitNewest(sections, (key, tiles) => {
    if (!wants(key)) return;
    codec.decode(store, key, tiles);
    added++;
  });
  return added;
};
