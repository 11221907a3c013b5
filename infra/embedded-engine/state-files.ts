/**
 * The files of saved states, all in one directory:
 *
 *   VIEW.GENERATION.state         which sections make the state (state-table.ts)
 *   VIEW.GENERATION.NUMBER.parts  sections, written by one save; never changed
 *
 * A file of parts that no state names is what a save left that was killed, or what a later one no
 * longer needs: it is deleted. It begins with "MRSP", four bytes of zeros, the platform's id (16
 * bytes) and its number (double).
 */
import { closeSync, fsyncSync, openSync, readdirSync, readSync, renameSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { fail } from '#domain/errors.ts';
import { type Section, type StateTable, sectionsOf } from './state-table.ts';

export interface StatePlace {
  readonly directory: string;
  readonly view: string;
  readonly generation: number;
}

export const PARTS_HEADER_BYTES = 32;
const PARTS = 0x4d_52_53_50; // MRSP
const STATE_NAME = /^(.+)\.(\d+)\.state$/;
const PARTS_NAME = /^(.+)\.(\d+)\.(\d+)\.parts$/;
/** Bytes that a check reads at once. */
const CHUNK = 1024 * 1024;

export const stateFile = ({ directory, view, generation }: StatePlace): string =>
  join(directory, `${view}.${generation}.state`);

export const partsFile = ({ directory, view, generation }: StatePlace, file: number): string =>
  join(directory, `${view}.${generation}.${file}.parts`);

/** The view and generation of a file's name; null: it is none of a saved state. */
export const placeOf = (directory: string, name: string): StatePlace | null => {
  const [, view, generation] = PARTS_NAME.exec(name) ?? STATE_NAME.exec(name) ?? [];
  return view === undefined ? null : { directory, view, generation: Number(generation) };
};

export const statesIn = (directory: string): readonly StatePlace[] =>
  readdirSync(directory)
    .filter((name) => STATE_NAME.test(name))
    .sort()
    .map((name) => placeOf(directory, name) as StatePlace);

/** The numbers of the files of parts that there are. */
export const partsFilesOf = ({ directory, view, generation }: StatePlace): readonly number[] =>
  readdirSync(directory).flatMap((name) => {
    const [, ofView, of, file] = PARTS_NAME.exec(name) ?? [];
    return ofView === view && Number(of) === generation ? [Number(file)] : [];
  });

/** Deletes the files of parts that a state does not name. */
export const removeOthers = (place: StatePlace, named: { has(file: number): boolean }): void => {
  for (const file of partsFilesOf(place))
    if (!named.has(file)) rmSync(partsFile(place, file), { force: true });
};

export const removeState = (place: StatePlace): void => {
  rmSync(stateFile(place), { force: true });
  removeOthers(place, new Set());
};

export const syncDirectory = (directory: string): void => {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

/** What a file of parts begins with. */
export const headerOf = (platform: string, file: number): Buffer => {
  const header = Buffer.alloc(PARTS_HEADER_BYTES);
  header.writeUInt32LE(PARTS, 0);
  header.write(platform.replaceAll('-', ''), 8, 'hex');
  header.writeDoubleLE(file, 24);
  return header;
};

/**
 * Replaces the `.state` file.
 * @param isWanted asked last; false: the file stays as it is
 * @returns whether it was replaced; `syncDirectory` then makes that durable
 */
export const replaceState = async (
  place: StatePlace,
  bytes: Uint8Array,
  isWanted: () => boolean,
): Promise<boolean> => {
  const file = stateFile(place);
  const temporary = `${file}.tmp`;
  let replaced = false;
  try {
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (!isWanted()) return false;
    renameSync(temporary, file);
    replaced = true;
    return true;
  } finally {
    if (!replaced) rmSync(temporary, { force: true });
  }
};

/** Whether a file has the bytes of one of these texts. */
export const fileHas = (path: string, texts: readonly string[]): boolean => {
  const wanted = texts.map((text) => Buffer.from(text));
  const overlap = Math.max(0, ...wanted.map(({ length }) => length - 1));
  const chunk = Buffer.allocUnsafe(CHUNK + overlap);
  const descriptor = openSync(path, 'r');
  try {
    for (let at = 0; ; at += CHUNK) {
      const read = readSync(descriptor, chunk, 0, chunk.length, at);
      const found = chunk.subarray(0, read);
      if (wanted.some((bytes) => found.includes(bytes))) return true;
      if (read < chunk.length) return false;
    }
  } finally {
    closeSync(descriptor);
  }
};

/** @throws MR_DATA_DAMAGED */
export const readSection = (place: StatePlace, section: Section): Buffer => {
  const path = partsFile(place, section.file);
  const damaged = (why: string): never =>
    fail(
      'MR_DATA_DAMAGED',
      `the saved state ${path} is damaged: ${why}. Start the server again: the state is then built again from the log`,
      { view: place.view, generation: place.generation },
    );
  const bytes = Buffer.allocUnsafe(section.bytes);
  try {
    const descriptor = openSync(path, 'r');
    try {
      let read = 0;
      while (read < bytes.length) {
        const n = readSync(descriptor, bytes, read, bytes.length - read, section.at + read);
        if (n === 0) break;
        read += n;
      }
      if (read < bytes.length) damaged('it is cut off');
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if ((error as { code?: string }).code === 'MR_DATA_DAMAGED') throw error;
    damaged(String(error));
  }
  if (crc32(bytes) !== section.crc) damaged('a checksum does not fit its content');
  return bytes;
};

const readAt = async (handle: FileHandle, at: number, bytes: number): Promise<Buffer> => {
  const found = Buffer.allocUnsafe(bytes);
  let read = 0;
  while (read < bytes) {
    const { bytesRead } = await handle.read(found, read, bytes - read, at + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return found.subarray(0, read);
};

const flawOfFile = async (
  place: StatePlace,
  file: number,
  bytes: number,
  sections: readonly Section[],
  platform: string,
): Promise<string | null> => {
  const path = partsFile(place, file);
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return isMissing ? `its file ${path} is missing` : `its file cannot be read: ${String(error)}`;
  }
  try {
    const { size } = await handle.stat();
    if (size !== bytes) return `its file ${path} is damaged: it has ${size} bytes, not ${bytes}`;
    const header = await readAt(handle, 0, PARTS_HEADER_BYTES);
    if (!header.equals(headerOf(platform, file)))
      return `its file ${path} is damaged, or of another platform`;
    let run: Buffer = Buffer.alloc(0);
    let from = 0;
    for (const section of [...sections].sort((a, b) => a.at - b.at)) {
      const end = section.at + section.bytes;
      if (end > from + run.length) {
        from = section.at;
        run = await readAt(handle, from, Math.max(section.bytes, Math.min(CHUNK, bytes - from)));
      }
      if (crc32(run.subarray(section.at - from, end - from)) !== section.crc)
        return `its file ${path} is damaged: a checksum does not fit its content`;
    }
    return null;
  } finally {
    await handle.close();
  }
};

/** Reads all sections of a state. @returns why it cannot be used; null: it can */
export const flawOfParts = async (
  place: StatePlace,
  table: StateTable,
  platform: string,
): Promise<string | null> => {
  const byFile = new Map<number, Section[]>([...table.files.keys()].map((file) => [file, []]));
  for (const section of sectionsOf(table)) byFile.get(section.file)?.push(section);
  for (const [file, sections] of byFile) {
    const bytes = table.files.get(file) as number;
    const why = await flawOfFile(place, file, bytes, sections, platform);
    if (why !== null) return why;
  }
  return null;
};
