/**
 * `millrace stack verify`: whether the stores of the stack belong together, and whether the files
 * of the history are as they were written. It changes nothing, and gateways may run.
 */
import { hostname } from 'node:os';
import type { Damage, DamagedPart, Verification } from '#domain/api/verification.ts';
import { closingAfter, type Opened } from '#domain/closing.ts';
import { messageOf } from '#domain/error-message.ts';
import { strayTables } from '#infra/iceberg/belongs.ts';
import { verifyTables } from '#infra/iceberg/verify.ts';
import { kafkaLog } from '#infra/kafka/log.ts';
import { openTopicGuard } from '#infra/kafka/topic-guard.ts';
import { recordedIds } from '#infra/profiles/own-topics.ts';
import { foreignDirectories, ownedDirectories } from '#infra/profiles/stack-identity.ts';
import { openRegistry, stackDirectories } from '#infra/profiles/stack-stores.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { historyReader } from '#infra/shared/iceberg/reader.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';
import { registryContradiction } from '#projections/outbox/published-commits.ts';

export interface VerifyStackOptions {
  readonly addresses: StackAddresses;
  readonly deep: boolean;
  readonly onProgress?: (what: string) => void;
}

/** Nothing rebuilds these: their messages say what to do. */
const found = (part: DamagedPart, what: string, error: unknown): Damage => ({
  part,
  what,
  why: messageOf(error),
  repair: null,
});

export const verifyStack = (options: VerifyStackOptions): Promise<Verification> =>
  closingAfter((opened) => verify(options, opened));

const verify = async (
  { addresses, deep, onProgress = () => {} }: VerifyStackOptions,
  opened: Opened,
): Promise<Verification> => {
  const warn = (): void => {};
  const damage: Damage[] = [];
  const directories = stackDirectories(addresses);
  const root = directories.iceberg;
  onProgress('registry');
  const { eventStore, own } = await openRegistry(addresses, warn, opened, { readOnly: true });
  const commits = await eventStore.head();
  const id = await own.id();
  const owned = ownedDirectories(directories);
  const marks = { platform: own, id, databaseIsNew: commits === 0, owned };
  for (const error of await foreignDirectories(marks))
    damage.push(found('database', String(error.details?.location), error));

  onProgress('topics');
  const kafka = { brokers: [addresses.kafka], clientId: `millrace-verify-${hostname()}`, warn };
  const topicIds = recordedIds(own.topicIds, (problem) => {
    damage.push(found('log', `the topic ${problem.details?.topic}`, problem));
  });
  const guard = await openTopicGuard({ ...kafka, topicIds });
  opened(guard.close);
  for (const [topic, problem] of guard.problems())
    damage.push(found('log', `the topic ${topic}`, problem));
  const log = await kafkaLog({ ...kafka, readOnly: true });
  opened(log.close);
  const contradiction = await registryContradiction(eventStore, log);
  if (contradiction !== null) damage.push(found('registry', 'the database', contradiction));
  const topics = new Set((await log.topics()).map(({ topic }) => topic));
  const duckDb = await openDuckDb({ memoryLimit: '512MB' });
  const reader = historyReader(root, duckDb);
  opened(reader.close);
  const strays = await strayTables({
    root,
    platform: id,
    isWanted: (topic) => topics.has(topic) && guard.isKnown(topic),
    reachedOf: (topic) => reader.endOffsets(topic),
    endOf: (topic) => log.end(topic),
  });
  for (const { topic, message } of strays)
    damage.push(found('history', `the table of ${topic}`, message));

  const connection = deep ? await duckDb.connect() : null;
  const tables = await verifyTables({ root, connection, onProgress, gaps: true, repair: null });
  connection?.closeSync();
  return {
    directory: addresses.directory,
    deep,
    checked: {
      records: 0,
      commits,
      states: 0,
      tables: tables.tables,
      files: tables.files,
      bytes: tables.bytes,
    },
    withoutChecksum: 0,
    damage: [...damage, ...tables.damage],
  };
};
