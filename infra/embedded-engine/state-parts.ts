/** Sections of a saved state that are copied: without decoding the tiles. */
import { SectionWriter, sectionHas } from '#domain/encoding/state-part.ts';
import { keyHash } from '#domain/tiles/key-hash.ts';
import { PartsWriter } from './parts-writer.ts';
import {
  fileHas,
  PARTS_HEADER_BYTES,
  partsFile,
  readSection,
  removeOthers,
  replaceState,
  type StatePlace,
  syncDirectory,
} from './state-files.ts';
import {
  NOTHING,
  partOf,
  type SavedPart,
  type StateTable,
  sectionsOf,
  tableBytes,
} from './state-table.ts';

/** The files that a table names, with their bytes. */
export const filesOf = (
  table: Pick<StateTable, 'parts' | 'dropped'>,
  before: StateTable['files'] | undefined,
  { file: written, bytes }: Pick<PartsWriter, 'file' | 'bytes'>,
): StateTable['files'] => {
  const files = new Map<number, number>();
  for (const { file } of sectionsOf(table))
    if (!files.has(file)) files.set(file, file === written ? bytes : (before?.get(file) as number));
  return files;
};

/** Whether a file has sections that the table does not name. */
const hasOthers = (table: StateTable): boolean => {
  const named = new Map<string, number>();
  for (const { file, at, bytes } of sectionsOf(table)) named.set(`${file}:${at}`, bytes);
  const all = [...table.files.values()].reduce((sum, n) => sum + n - PARTS_HEADER_BYTES, 0);
  return [...named.values()].reduce((sum, n) => sum + n, 0) < all;
};

/** Whether a file of the state has something of one of these entities. */
export const stateHas = (
  place: StatePlace,
  table: StateTable,
  keys: readonly string[],
): boolean => {
  const isNamed = keys.some((key) =>
    partOf(table, keyHash(key) & (table.parts.length - 1)).sections.some((section) =>
      sectionHas(readSection(place, section), key),
    ),
  );
  return (
    isNamed ||
    (hasOthers(table) &&
      [...table.files.keys()].some((file) => fileHas(partsFile(place, file), keys)))
  );
};

/** Writes a whole state anew without some entities: no file has a byte of them then. */
export const rewriteWithout = async (
  place: StatePlace,
  platform: string,
  table: StateTable,
  keys: readonly string[],
): Promise<StateTable> => {
  const left = new Set(keys);
  const writer = new PartsWriter(place, platform);
  const section = new SectionWriter();
  const parts: SavedPart[] = [];
  let saved = false;
  try {
    for (const [part, { sections }] of table.parts.entries()) {
      section.reset();
      section.addAll(
        sections.map((one) => readSection(place, one)),
        (key) =>
          (keyHash(key) & (table.parts.length - 1)) === part && !left.has(key) ? 'same' : null,
      );
      const { entities } = section;
      if (entities === 0) parts.push(NOTHING);
      else parts.push({ sections: [writer.add(section.written())], entities });
      if (writer.isFull()) await writer.flush();
    }
    const { section: hashes } = table.dropped;
    const copied = hashes === null ? null : writer.add(readSection(place, hashes));
    const dropped = { ...table.dropped, section: copied };
    await writer.finish();
    const files = filesOf({ parts, dropped }, undefined, writer);
    const rewritten = { ...table, parts, dropped, files };
    saved = await replaceState(place, tableBytes(rewritten, platform), () => true);
    syncDirectory(place.directory);
    removeOthers(place, rewritten.files);
    return rewritten;
  } finally {
    if (!saved) await writer.discard();
  }
};
