/**
 * `millrace stack repair`: makes the registry's database and the topic `registry`, which has the
 * same commits, whole from each other. No gateway may run.
 *
 * - The database is older than the topic, or new: it takes the commits that it lacks.
 * - The topic was deleted, or deleted and created again: the commits are written to it again.
 */
import { hostname } from 'node:os';
import { registrySchemaId } from '#application/outbox.ts';
import type { Repair } from '#domain/api/verification.ts';
import { closingAfter, type Opened } from '#domain/closing.ts';
import { REGISTRY_TOPIC } from '#domain/ports/topics.ts';
import { confluentSchemaRegistry } from '#infra/confluent/schema-registry.ts';
import { kafkaLog } from '#infra/kafka/log.ts';
import { openTopicGuard } from '#infra/kafka/topic-guard.ts';
import { assertNoGateway } from '#infra/profiles/no-gateway.ts';
import { ownedDirectories } from '#infra/profiles/stack-identity.ts';
import { openRegistry, stackDirectories } from '#infra/profiles/stack-stores.ts';
import { readMark } from '#infra/shared/files/platform-mark.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';
import {
  lastPublished,
  publishAgain,
  takeMissingCommits,
} from '#projections/outbox/published-commits.ts';

export interface RepairStackOptions {
  readonly addresses: StackAddresses;
  readonly warn: (message: string) => void;
}

/** The platform that the directories belong to; null: none, or they do not agree. */
const markedPlatform = async (addresses: StackAddresses): Promise<string | null> => {
  const marks = new Set<string>();
  for (const { directory } of ownedDirectories(stackDirectories(addresses))) {
    const mark = await readMark(directory);
    if (mark !== null) marks.add(mark);
  }
  const [only, ...others] = marks;
  return others.length > 0 ? null : (only ?? null);
};

export const repairStack = (options: RepairStackOptions): Promise<readonly Repair[]> =>
  closingAfter((opened) => repair(options, opened));

const repair = async (
  { addresses, warn }: RepairStackOptions,
  opened: Opened,
): Promise<readonly Repair[]> => {
  const done: Repair[] = [];
  const { database, auditStore, eventStore, own } = await openRegistry(addresses, warn, opened);
  await assertNoGateway(database);
  const kafka = { brokers: [addresses.kafka], clientId: `millrace-repair-${hostname()}`, warn };
  const guard = await openTopicGuard({ ...kafka, topicIds: own.topicIds });
  opened(guard.close);
  const isLost = guard.problem(REGISTRY_TOPIC) !== null;
  const log = await kafkaLog(kafka);
  opened(log.close);
  if (isLost) {
    await log.createTopic(REGISTRY_TOPIC, { partitions: 1 });
    const schemaId = await registrySchemaId(confluentSchemaRegistry({ url: addresses.registry }));
    const written = await publishAgain(eventStore, log, schemaId);
    const id = await guard.idOf(REGISTRY_TOPIC);
    if (id !== null) await own.topicIds.replace(REGISTRY_TOPIC, id);
    done.push({
      what: `the topic ${REGISTRY_TOPIC}`,
      done: `wrote ${written} commits of the database to it again`,
      lost: false,
    });
    return done;
  }
  if ((await lastPublished(log)) === null) return done;
  const marked = await markedPlatform(addresses);
  const isNew = (await eventStore.head()) === 0;
  // The audit log of commits follows from them, so it is computed again.
  if (isNew) await auditStore.begin();
  if (isNew && marked !== null && marked !== (await own.id())) {
    // Killed after this, the database is still refused: it lacks the commits.
    await own.become(marked);
    done.push({
      what: 'the database of the registry',
      done: `is the database of the platform ${marked}`,
      lost: false,
    });
  }
  const { taken, head } = await takeMissingCommits(eventStore, log);
  if (taken > 0)
    done.push({
      what: 'the database of the registry',
      done: `took ${taken} commits from the topic ${REGISTRY_TOPIC}, up to ${head}`,
      lost: false,
    });
  return done;
};
