/**
 * Complete snapshots of a dimension: the rows of the whole table at one time, compared with the
 * table's state at that time. Rows that are new or differ are published with that time. Each key
 * that is there and not in the snapshot gets a tombstone. Unchanged rows are not published again.
 *
 * Nothing is published unless every row of the snapshot is valid. The same snapshot again, also
 * after a crash midway, publishes what is missing: it is compared with the state of the log.
 */
import type { Caller } from '#domain/api/caller.ts';
import type {
  RejectedEvent,
  SnapshotRequest,
  SnapshotResult,
  TakenSnapshot,
} from '#domain/api/publishing.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import { encodeSnapshotTaken } from '#domain/events/snapshot-taken.ts';
import { encodeKey } from '#domain/plan/entity-key.ts';
import type { Appended, Log, OutgoingRecord } from '#domain/ports/log.ts';
import { formatTime } from '#domain/values/time.ts';
import type { Row, Scalar } from '#domain/values/value.ts';
import { positionAfter } from './ingest-batch.ts';
import { rawRecord } from './ingest-event.ts';
import { type SnapshotRow, sameRow, snapshotReader, tombstoneOf } from './snapshot-rows.ts';
import type { SourceIngest } from './source-ingest.ts';

interface SnapshotDependencies {
  readonly log: Log;
  /** @throws MR_UNKNOWN_SOURCE */
  readonly ingest: (source: string) => Promise<SourceIngest>;
  /** by encoded key: the rows of a dimension at a time */
  readonly rowsAt: (source: SourceDefinition, at: number) => Promise<ReadonlyMap<string, Row>>;
  /** the snapshots that were taken, oldest first */
  readonly taken: (source: string) => Promise<readonly TakenSnapshot[]>;
  readonly now: () => number;
}

export type PublishSnapshot = (request: SnapshotRequest, caller: Caller) => Promise<SnapshotResult>;

/** How many records are appended at once. */
const CHUNK = 2_000;
/** How many refused rows are read before the rest is given up, and how many a message names. */
const MAX_REFUSED = 100;
const SHOWN_REFUSED = 3;

const refuseRows = (source: string, refused: readonly RejectedEvent[]): never => {
  const shown = refused
    .slice(0, SHOWN_REFUSED)
    .map(({ index, message }) => `row ${index + 1}: ${message.replace(/\.$/, '')}`);
  const more = refused.length > SHOWN_REFUSED ? `; and ${refused.length - SHOWN_REFUSED} more` : '';
  return fail(
    'MR_SNAPSHOT_INVALID',
    `nothing of the snapshot of "${source}" was published, because ${refused.length === MAX_REFUSED ? 'at least ' : ''}${refused.length} of its rows cannot be: ${shown.join('; ')}${more}`,
    { source, rejected: refused },
  );
};

export const createSnapshot = (dependencies: SnapshotDependencies): PublishSnapshot => {
  const { log, ingest, rowsAt, taken, now } = dependencies;

  /** Every row by its key. A row without a key may be any row: then none can be called gone. */
  const readRows = async (
    source: SourceIngest,
    { time, rows }: SnapshotRequest,
  ): Promise<Map<string, SnapshotRow>> => {
    const { name, dimension } = source.definition;
    const key = dimension?.key ?? [];
    const read = snapshotReader(source, time, now());
    const found = new Map<string, SnapshotRow>();
    const refused: RejectedEvent[] = [];
    let index = 0;
    for await (const batch of rows) {
      for (const row of batch) {
        const checked = read(row);
        if ('code' in checked) {
          const { code, message, field } = checked;
          refused.push({ index, code, message, ...(field !== null && { field }) });
        } else {
          const id = encodeKey(key.map((field) => checked.row[field] as Scalar));
          if (found.has(id)) {
            const shown = key.map((field) => `${field} ${JSON.stringify(checked.row[field])}`);
            const message = `${name}: the key ${shown.join(', ')} occurs before; a snapshot has each row once`;
            refused.push({ index, code: 'MR_SNAPSHOT_INVALID', message });
          } else found.set(id, checked);
        }
        index++;
        if (refused.length === MAX_REFUSED) return refuseRows(name, refused);
      }
    }
    return refused.length > 0 ? refuseRows(name, refused) : found;
  };

  const isNewest = async (name: string, time: number): Promise<void> => {
    const newer = (await taken(name)).filter((snapshot) => snapshot.time > time).at(-1);
    if (newer !== undefined)
      fail(
        'MR_REFUSED',
        `a snapshot of "${name}" at ${formatTime(newer.time)} was taken already, which is newer than ${formatTime(time)}: publish older states in order, or their rows as events`,
        { source: name, newest: newer.time },
      );
  };

  const append = async (
    source: SourceIngest,
    records: readonly OutgoingRecord[],
    marker: OutgoingRecord,
  ): Promise<string> => {
    const ends = new Map<number, Appended['ends'][number]>();
    for (let from = 0; from === 0 || from < records.length; from += CHUNK) {
      const chunk = records.slice(from, from + CHUNK);
      const last = from + CHUNK >= records.length;
      const appended = await log.append({ records: last ? [...chunk, marker] : chunk });
      for (const end of appended.ends) if (end.topic === source.topic) ends.set(end.partition, end);
    }
    return positionAfter(log, source.topic, [...ends.values()], false);
  };

  const publish: PublishSnapshot = async (request, caller) => {
    const source = await ingest(request.source);
    const { definition } = source;
    const { name, dimension } = definition;
    if (dimension?.deleted === undefined)
      return fail(
        'MR_REFUSED',
        `source "${name}" takes no snapshots: declare dimension with key and deleted in its definition`,
        { source: name },
      );
    const { time, force } = request;
    if (force !== undefined && force.reason.trim() === '')
      fail('MR_REASON_REQUIRED', `to force a snapshot of "${name}" needs a reason`);
    await isNewest(name, time);
    const rows = await readRows(source, request);
    if (rows.size === 0 && force === undefined)
      return fail(
        'MR_SNAPSHOT_INVALID',
        `the snapshot of "${name}" has no row, so every row of the table would be gone: if it is empty indeed, force it and give a reason`,
        { source: name },
      );
    const before = await rowsAt(definition, time);
    const records: OutgoingRecord[] = [];
    const counts = { added: 0, changed: 0, unchanged: 0, gone: 0 };
    const same = sameRow(definition);
    for (const [id, { row, id: eventId }] of rows) {
      const old = before.get(id);
      if (old !== undefined && same(old, row)) {
        counts.unchanged++;
        continue;
      }
      counts[old === undefined ? 'added' : 'changed']++;
      records.push(rawRecord(source, row, eventId));
    }
    const tombstone = tombstoneOf(source, time, now());
    for (const [id, old] of before) {
      if (rows.has(id)) continue;
      counts.gone++;
      records.push(rawRecord(source, tombstone(old), null));
    }
    const record = { time, actor: caller.actor, reason: force?.reason ?? null, ...counts };
    const marker: OutgoingRecord = {
      topic: source.snapshotTopic,
      partition: 0,
      key: null,
      value: encodeSnapshotTaken(record),
      schemaId: source.snapshotSchemaId,
    };
    return { ...counts, time, position: await append(source, records, marker) };
  };

  /** Two snapshots of a source at once would each miss what the other one publishes. */
  const running = new Map<string, Promise<unknown>>();
  return (request, caller) => {
    const before = running.get(request.source) ?? Promise.resolve();
    const mine = before.then(
      () => publish(request, caller),
      () => publish(request, caller),
    );
    running.set(request.source, mine);
    return mine;
  };
};
