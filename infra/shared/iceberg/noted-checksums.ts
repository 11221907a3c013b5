/**
 * Checksums of data files whose names have none, because another engine wrote them. They are noted
 * when a commit with the files is first seen, so damage before that moment is not found.
 *
 *     <root>/.checksums/<topic>.json   {"crc":"<of the text of files>","files":{"<path>":"<crc>"}}
 *
 * Paths are those of the URIs below the root. One process notes at a time; any may look up.
 */
import { crc32 } from 'node:zlib';
import { type Directory, joinUri, nameOf } from '#domain/ports/file-io.ts';
import { liveEntries, manifestsOf } from './append.ts';
import { checksumOf, hexOf, statedChecksum } from './checked-files.ts';
import { currentSnapshot } from './metadata.ts';
import { loadTable, type TableVersion, tableDirectory, uriOf } from './table-directory.ts';

export interface NotedChecksums {
  /** The noted checksum of a data file; null: it has none. */
  readonly find: (uri: string) => Promise<string | null>;
  /** Why the notes of a table cannot be used; null: they can, or there are none. */
  readonly damage: (topic: string) => Promise<string | null>;
  /** Notes the files of the newest snapshot. @returns how many had no checksum before */
  readonly note: (topic: string) => Promise<number>;
}

type Notes = ReadonlyMap<string, string>;

interface Loaded {
  readonly notes: Notes;
  readonly damage: string | null;
  readonly modifiedAt: number;
  /** when the file was last looked at, as `performance.now` counts */
  readonly at: number;
}

/** Notes are looked at again after so long. */
const FRESH_MS = 1_000;
const NONE: Notes = new Map();
/** Notes of files that are gone are removed when the notes have grown by this and doubled. */
const PRUNE_FROM = 100;

const encode = (notes: Notes): string => {
  const files = JSON.stringify(Object.fromEntries(notes));
  return `{"crc":"${hexOf(crc32(files))}","files":${files}}`;
};

const decode = (text: string): Notes | null => {
  const [, crc, files] = /^\{"crc":"([0-9a-f]{8})","files":(\{.*\})\}$/s.exec(text) ?? [];
  if (crc === undefined || files === undefined || hexOf(crc32(files)) !== crc) return null;
  return new Map(Object.entries(JSON.parse(files) as Record<string, string>));
};

export const notedChecksums = (root: Directory): NotedChecksums => {
  const { files } = root;
  const loaded = new Map<string, Loaded>();
  /** by topic: the version whose files are noted, and the manifests that were read */
  const noted = new Map<string, { version: TableVersion; readonly manifests: Set<string> }>();
  const prunedAt = new Map<string, number>();
  const notesUri = (topic: string): string => joinUri(root.uri, '.checksums', `${topic}.json`);
  const pathOf = (uri: string): string => uri.slice(root.uri.length + 1);

  const load = async (topic: string, freshMs: number): Promise<Loaded> => {
    const at = performance.now();
    const before = loaded.get(topic);
    if (before !== undefined && at - before.at < freshMs) return before;
    const info = await files.stat(notesUri(topic));
    const modifiedAt = info?.modifiedAt ?? -1;
    if (before?.modifiedAt === modifiedAt) {
      loaded.set(topic, { ...before, at });
      return before;
    }
    const bytes = info === null ? null : await files.read(notesUri(topic));
    const notes = bytes === null ? NONE : decode(Buffer.from(bytes).toString());
    const damage = notes === null ? 'its checksum does not fit its content' : null;
    const now = { notes: notes ?? NONE, damage, modifiedAt, at };
    loaded.set(topic, now);
    return now;
  };

  const prune = async (topic: string, notes: Map<string, string>): Promise<void> => {
    if (notes.size < 2 * (prunedAt.get(topic) ?? 0) + PRUNE_FROM) return;
    for (const path of [...notes.keys()])
      if ((await files.stat(`${root.uri}/${path}`)) === null) notes.delete(path);
    prunedAt.set(topic, notes.size);
  };

  return {
    async find(uri) {
      const path = pathOf(uri);
      const [namespace, table] = path.split('/');
      if (namespace === undefined || table === undefined) return null;
      const topic = `${nameOf(namespace)}.${nameOf(table)}`;
      return (await load(topic, FRESH_MS)).notes.get(path) ?? null;
    },
    damage: async (topic) => (await load(topic, 0)).damage,
    async note(topic) {
      const table = tableDirectory(root, topic);
      const last = noted.get(topic);
      const version = await loadTable(table, last?.version ?? null);
      if (version === null || version === last?.version) return 0;
      const { metadata } = version;
      const manifests = last?.manifests ?? new Set();
      const notes = new Map((await load(topic, 0)).notes);
      const read: string[] = [];
      let added = 0;
      for (const manifest of await manifestsOf(table, metadata, currentSnapshot(metadata))) {
        if (manifests.has(manifest.manifest_path)) continue;
        for (const { data_file: file } of await liveEntries(table, metadata, manifest)) {
          const uri = uriOf(table, metadata, file.file_path);
          if (statedChecksum(uri) !== null || notes.has(pathOf(uri))) continue;
          notes.set(pathOf(uri), hexOf(await checksumOf(files, uri, file.file_size_in_bytes)));
          added++;
        }
        read.push(manifest.manifest_path);
      }
      if (added > 0) {
        await prune(topic, notes);
        await files.write(notesUri(topic), encode(notes));
      }
      for (const path of read) manifests.add(path);
      noted.set(topic, { version, manifests });
      return added;
    },
  };
};
