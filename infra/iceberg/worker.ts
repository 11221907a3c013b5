/**
 * The history's writing thread. It reads the log over a connection of its own, so that decoding
 * Avro and writing Parquet never delay an answer. One commit at a time; topics take turns.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Directory } from '#domain/ports/file-io.ts';
import type { TrimHistory } from '#domain/ports/history.ts';
import { hasHistory, isRawTopic, nameOfTopic } from '#domain/ports/topics.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import type { Checkpoint } from '#infra/shared/iceberg/append.ts';
import { tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import { type HistoryInput, openInput } from './input.ts';
import { compact, expireSnapshots } from './maintenance.ts';
import { removeOrphans } from './orphans.ts';
import { type TopicWriter, topicWriter } from './topic-writer.ts';
import { trimTable } from './trim-table.ts';
import { type Answer, type Request, toWire, type WorkerSettings } from './worker-messages.ts';

const POLL_MS = 250;
const MAINTAIN_EVERY_COMMITS = 30;
const KEEP_SNAPSHOTS = 20;
const KEEP_SNAPSHOTS_MS = 3_600_000;
const COMPACT = {
  minFiles: 8,
  smallBytes: 32 * 1024 * 1024,
  fileRows: 256 * 1024,
  maxRows: 1_000_000,
};

const settings = workerData as WorkerSettings;
const port = parentPort as NonNullable<typeof parentPort>;
const input: HistoryInput & { readonly checkpoint?: Checkpoint } = await openInput(settings.input);
const duckDb = await openDuckDb({
  memoryLimit: settings.memoryLimit,
  threads: 1,
  spillDirectory: settings.spillDirectory,
});
const connection = await duckDb.connect();
const root: Directory = { files: input.files, uri: settings.root };
const now = (): number => Date.now();

const writers = new Map<string, Promise<TopicWriter>>();
const commitsSince = new Map<string, number>();

let { keys } = settings;
const keysOf = (topic: string): readonly string[] => keys[topic] ?? [];

const openTopic = async (topic: string): Promise<TopicWriter> => {
  await removeOrphans(tableDirectory(root, topic));
  const eventTime = isRawTopic(topic) ? settings.eventTimes[nameOfTopic(topic)] : undefined;
  return topicWriter({
    root,
    topic,
    input,
    connection,
    now,
    commitRows: settings.commitRows,
    eventTime,
    platform: settings.platform,
    keys: () => keysOf(topic),
    checkpoint: input.checkpoint,
  });
};

const writer = (topic: string): Promise<TopicWriter> => {
  const found = writers.get(topic) ?? openTopic(topic);
  writers.set(topic, found);
  found.catch(() => writers.delete(topic));
  return found;
};

const maintain = async (topic: string): Promise<void> => {
  const table = tableDirectory(root, topic);
  await compact({ table, connection, ...COMPACT, keys: keysOf(topic), now: now() });
  await expireSnapshots(table, { keep: KEEP_SNAPSHOTS, minAge: KEEP_SNAPSHOTS_MS, now: now() });
};

const trim = async (topic: string, what: TrimHistory): Promise<void> => {
  const table = tableDirectory(root, topic);
  await writer(topic);
  await trimTable({ table, connection, ...what, now: now() });
  // Of a table that nothing is added to, no other commit makes the old snapshots expire.
  await expireSnapshots(table, { keep: 1, minAge: KEEP_SNAPSHOTS_MS, now: now() });
};

const sync = async (topic: string, upTo?: readonly number[]): Promise<void> => {
  await (await writer(topic)).sync(upTo);
  const commits = (commitsSince.get(topic) ?? 0) + 1;
  commitsSince.set(topic, commits % MAINTAIN_EVERY_COMMITS);
  if (commits >= MAINTAIN_EVERY_COMMITS) await maintain(topic);
};

/** topic → when its oldest pending row was first seen */
const pendingSince = new Map<string, number>();

const syncDue = async (topic: string): Promise<void> => {
  const end = await input.log.end(topic);
  const endOffsets = await (await writer(topic)).endOffsets();
  const pending = end.reduce(
    (sum, offset, partition) => sum + offset - (endOffsets[partition] ?? 0),
    0,
  );
  if (pending <= 0) {
    pendingSince.delete(topic);
    return;
  }
  const since = pendingSince.get(topic) ?? now();
  pendingSince.set(topic, since);
  if (pending < settings.commitAtRows && now() - since < settings.commitAfterMs) return;
  pendingSince.delete(topic);
  await sync(topic);
};

const answer = (message: Answer): void => port.postMessage(message);

let turn: Promise<unknown> = Promise.resolve();
const inTurn = (task: () => Promise<void>): Promise<void> => {
  const done = turn.then(task);
  turn = done.catch(() => undefined);
  return done;
};

/** topics whose last commit by itself failed */
const failing = new Set<string>();

const poll = async (): Promise<void> => {
  for (const { topic } of await input.log.topics()) {
    if (!hasHistory(topic)) continue;
    try {
      await syncDue(topic);
      if (failing.delete(topic)) answer({ id: null, recovered: topic });
    } catch (error) {
      failing.add(topic);
      answer({ id: null, failed: topic, error: toWire(error) });
    }
  }
};

let polling = false;
const timer =
  settings.commitAfterMs === 0
    ? null
    : setInterval(() => {
        if (polling) return;
        polling = true;
        inTurn(poll).finally(() => {
          polling = false;
        });
      }, POLL_MS);

const close = async (): Promise<void> => {
  if (timer !== null) clearInterval(timer);
  connection.closeSync();
  duckDb.close();
  await input.close?.();
};

const handle = (request: Request): Promise<void> => {
  switch (request.do) {
    case 'sync':
      return sync(request.topic, request.upTo ?? undefined);
    case 'maintain':
      return maintain(request.topic);
    case 'trim':
      return trim(request.topic, request.what);
    case 'sort':
      keys = request.keys;
      return Promise.resolve();
    case 'close':
      return close();
  }
};

port.on('message', (request: Request) => {
  // The next commit is sorted; it does not wait for one that runs.
  const done = request.do === 'sort' ? handle(request) : inTurn(() => handle(request));
  done.then(
    () => answer({ id: request.id, error: null }),
    (error: unknown) => answer({ id: request.id, error: toWire(error) }),
  );
  if (request.do === 'close') turn.finally(() => port.close());
});
