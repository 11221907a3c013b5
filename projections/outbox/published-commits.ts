/**
 * Compares the registry with its copy on the log. A registry that lacks commits that it published
 * is of an earlier time, or another one: a key that was revoked since would be valid again, and
 * numbers of generations would be given out twice.
 */
import { MillraceError } from '#domain/errors.ts';
import type { Commit, EventStore, NewCommit } from '#domain/ports/event-store.ts';
import type { Log, LogRecord, OutgoingRecord } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import { REGISTRY_TOPIC } from '#domain/ports/topics.ts';
import { decodeCommit, encodeCommit } from '#domain/registry/registry-record.ts';

export const registryRecord = (commit: Commit, schemaId: number): OutgoingRecord => ({
  topic: REGISTRY_TOPIC,
  partition: 0,
  key: commit.stream,
  value: encodeCommit(commit),
  schemaId,
});

type ReadLog = Pick<Log, 'begin' | 'end' | 'read' | 'topics'>;

const READ_BYTES = 4 * 1024 * 1024;
/** So many offsets before the end are searched first: some are markers of transactions. */
const FIRST_SEARCH = 64;

const hasTopic = async (log: ReadLog): Promise<boolean> =>
  (await log.topics()).some(({ topic }) => topic === REGISTRY_TOPIC);

/** The commit that was published last; null: none was. */
export const lastPublished = async (log: ReadLog): Promise<Commit | null> => {
  if (!(await hasTopic(log))) return null;
  const [begin = 0] = await log.begin(REGISTRY_TOPIC);
  const [end = 0] = await log.end(REGISTRY_TOPIC);
  for (let search = FIRST_SEARCH; ; search *= 8) {
    const from = Math.max(begin, end - search);
    let last: LogRecord | null = null;
    for await (const records of readPartition(log, REGISTRY_TOPIC, 0, {
      from,
      end,
      maxBytes: READ_BYTES,
    }))
      last = records.at(-1) ?? last;
    if (last !== null) return decodeCommit(last.value);
    if (from === begin) return null;
  }
};

const REMEDY =
  'Put back the newer database. If it is lost, run `millrace stack repair`, which takes the missing commits from the topic.';

/** How the registry contradicts the topic; null: it does not. */
export const registryContradiction = async (
  eventStore: Pick<EventStore, 'head' | 'readAll'>,
  log: ReadLog,
): Promise<MillraceError | null> => {
  const published = await lastPublished(log);
  if (published === null) return null;
  const { position } = published;
  const head = await eventStore.head();
  const details = { topic: REGISTRY_TOPIC, commits: head, published: position };
  if (head < position)
    return new MillraceError(
      'MR_DATA_MIXED',
      head === 0
        ? `The registry's database is new or empty, but the topic ${REGISTRY_TOPIC} has ${position} commits of a registry. ${REMEDY} For an empty platform, use servers of its own.`
        : `The registry's database has ${head} commits, and the topic ${REGISTRY_TOPIC} has ${position}: the database is of an earlier time. Keys that were revoked since would be valid again. ${REMEDY}`,
      details,
    );
  const [own] = await eventStore.readAll(position - 1, 1);
  return own?.command.id === published.command.id
    ? null
    : new MillraceError(
        'MR_DATA_MIXED',
        `Commit ${position} of the registry's database is another one than in the topic ${REGISTRY_TOPIC}: the database and Kafka belong to two platforms, or the database was set back and then changed. Put back the database that belongs to Kafka, or Kafka's data that belongs to the database.`,
        details,
      );
};

const CHUNK = 100;

/**
 * Writes the commits that a new topic lacks, while no outbox runs. Repeated after a crash, it goes
 * on.
 * @returns how many were written
 */
export const publishAgain = async (
  eventStore: Pick<EventStore, 'readAll'>,
  log: ReadLog & Pick<Log, 'append'>,
  schemaId: number,
): Promise<number> => {
  const first = (await lastPublished(log))?.position ?? 0;
  let at = first;
  for (;;) {
    const commits = await eventStore.readAll(at, CHUNK);
    const last = commits.at(-1);
    if (last === undefined) return at - first;
    await log.append({ records: commits.map((commit) => registryRecord(commit, schemaId)) });
    at = last.position;
  }
};

export interface MissingCommits {
  readonly taken: number;
  readonly head: number;
}

/**
 * Appends the commits that the topic has and the event store lacks.
 * @throws MR_DATA_MIXED where the topic does not continue what the event store has
 */
export const takeMissingCommits = async (
  eventStore: Pick<EventStore, 'head' | 'readAll' | 'append' | 'readStream'>,
  log: ReadLog,
): Promise<MissingCommits> => {
  const mixed = (why: string): never => {
    throw new MillraceError(
      'MR_DATA_MIXED',
      `The topic ${REGISTRY_TOPIC} does not continue the registry's database: ${why}. Nothing more was taken. Restore a backup of the database.`,
      { topic: REGISTRY_TOPIC },
    );
  };
  let head = await eventStore.head();
  let taken = 0;
  if (!(await hasTopic(log))) return { taken, head };
  const [begin = 0] = await log.begin(REGISTRY_TOPIC);
  const [end = 0] = await log.end(REGISTRY_TOPIC);
  const range = { from: begin, end, maxBytes: READ_BYTES };
  /** the last position that was compared or taken */
  let at = 0;
  const take = async (commit: Commit): Promise<void> => {
    // Logs of earlier versions may contain a commit more than once.
    if (commit.position <= at) return;
    if (commit.position !== at + 1) mixed(`it has commit ${commit.position} after ${at}`);
    if (commit.position <= head) {
      const [own] = await eventStore.readAll(commit.position - 1, 1);
      if (own?.command.id !== commit.command.id) mixed(`commit ${commit.position} is another one`);
    } else {
      const { command, events, refusal, stream } = commit;
      const made: NewCommit = { stream, command, events, refusal };
      const stored = await eventStore.append(made, commit.version - events.length);
      if (stored.position !== commit.position || stored.version !== commit.version)
        mixed(`commit ${commit.position} became ${stored.position} of the database`);
      head = stored.position;
      taken++;
    }
    at = commit.position;
  };
  for await (const records of readPartition(log, REGISTRY_TOPIC, 0, range))
    for (const record of records) await take(decodeCommit(record.value));
  return { taken, head };
};
