/** The events of some entities: those that are found without a scan, and those of a scan. */
import type { Directory } from '#domain/ports/file-io.ts';
import type { EventQuery } from '#domain/ports/history.ts';
import type { RawEvent } from '#domain/values/value.ts';
import { type PinnedFile, type PinnedTable, selectFiles } from './pinned-table.ts';
import { pointReader } from './point-read.ts';
import { tableDirectory } from './table-directory.ts';

interface EntityEventsDependencies {
  /** the directory of the tables */
  readonly root: Directory;
  /** @throws MR_DATA_DAMAGED */
  readonly check: (topic: string, files: readonly PinnedFile[]) => Promise<void>;
  /** in the order of (event time, partition, offset) */
  readonly scan: (
    table: PinnedTable,
    files: readonly PinnedFile[],
    query: EventQuery,
    names: readonly string[],
  ) => Promise<RawEvent[]>;
}

const inOrder = (a: RawEvent, b: RawEvent): number =>
  a.eventTime - b.eventTime || a.partition - b.partition || a.offset - b.offset;

/** @returns a function that answers `History.events` for a table; `names`: the rows' fields */
export const entityEvents = ({ root, check, scan }: EntityEventsDependencies) => {
  const points = pointReader(root.files);
  /** topic → the snapshot whose files may be cached */
  const cached = new Map<string, bigint>();

  /** Files that were compacted, or had erased rows, are no longer in a newer snapshot. */
  const forgetOthers = ({ topic, snapshot, files }: PinnedTable): void => {
    if (cached.get(topic) === snapshot['snapshot-id']) return;
    cached.set(topic, snapshot['snapshot-id']);
    const directory = `${tableDirectory(root, topic).uri}/`;
    const live = new Set(files.map(({ uri }) => uri));
    points.forget((uri) => uri.startsWith(directory) && !live.has(uri));
  };

  return async (
    table: PinnedTable,
    query: EventQuery,
    names: readonly string[],
  ): Promise<readonly RawEvent[]> => {
    if (query.snapshot === undefined) forgetOthers(table);
    const files = selectFiles(table, query);
    const point = await points.read(table, files, query, names, (file) =>
      check(table.topic, [file]),
    );
    if (point === null) return scan(table, files, query, names);
    const { events, rest } = point;
    if (rest.length === 0) return events;
    const scanned = await scan(table, rest, query, names);
    return events.length === 0 ? scanned : [...events, ...scanned].sort(inOrder);
  };
};
