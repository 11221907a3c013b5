/** Removes an entity from the stores of a stack, whose servers it stops. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { ErasureCertificate, LoggedAnswer, Remains } from '#domain/erasure/certificate.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import { featureLogTopic } from '#domain/ports/topics.ts';
import { confluentSchemaRegistry } from '#infra/confluent/schema-registry.ts';
import { noteErasedEnds } from '#infra/flink/history-reach.ts';
import { tablesBelow } from '#infra/iceberg/belongs.ts';
import { type ErasedRows, eraseRows, rowEnds, selectRows } from '#infra/iceberg/erase-rows.ts';
import { eraseRecords } from '#infra/kafka/segments/erase-records.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';
import type { Stack } from '#infra/stack/stack.ts';
import { removePartialFiles } from './erase-data-sets.ts';
import { countedDeleted } from './erase-deleted.ts';
import { distinct, type Found, remember } from './erase-found.ts';
import { ALWAYS, inBackups, removeBackupsIn } from './erase-remains.ts';
import { rollupsOfOthers, tableMatches } from './erase-rollups.ts';
import { eraseDerived } from './stack-erase-derived.ts';
import { dataSetsIn } from './stack-erase-files.ts';
import { answersIn, inRecordsOfLog, recordTests } from './stack-erase-log.ts';
import type { ErasureNotes } from './stack-erase-notes.ts';
import type { EraseStackOptions } from './stack-erase-options.ts';
import type { ErasedRegistry } from './stack-erase-registry.ts';
import { stopForErasure } from './stack-erase-servers.ts';

const SERVED = featureLogTopic('');

export interface ErasureRun {
  readonly options: EraseStackOptions;
  readonly stack: Stack;
  readonly addresses: StackAddresses;
  readonly registry: ErasedRegistry;
  readonly notes: ErasureNotes;
  readonly connection: DuckDBConnection;
  readonly root: Directory;
  readonly erasure: string;
  readonly now: () => number;
  readonly onProgress: (what: string) => void;
}

const kafkaLogs = ({ directory }: StackAddresses): string => join(directory, 'kafka');

/** What has the entity, before anything is removed. */
const find = async (run: ErasureRun): Promise<Found> => {
  const { registry, addresses, root, connection, options } = run;
  const { entity } = registry;
  const schemas = confluentSchemaRegistry({ url: addresses.registry });
  const answers: LoggedAnswer[] = [...(await answersIn(kafkaLogs(addresses), entity, schemas))];
  for (const topic of (await tablesBelow(root)).filter((one) => one.startsWith(SERVED))) {
    const matches = entity.scope.matches.get(topic) ?? [];
    const rows = await selectRows({ root, topic, matches, connection }, 'request_id');
    for (const [requestId] of rows)
      answers.push({ service: topic.slice(SERVED.length), requestId: String(requestId) });
  }
  const dataSets = await dataSetsIn(connection, options.dataDirectories ?? [], entity.scope);
  return { answers: distinct(answers), dataSets };
};

const eraseFromLog = async ({ registry, addresses, notes, erasure, onProgress }: ErasureRun) => {
  const schemas = confluentSchemaRegistry({ url: addresses.registry });
  const testOf = recordTests(registry.entity, schemas);
  await eraseRecords({
    logs: kafkaLogs(addresses),
    testOf(topic, partition) {
      const test = testOf(topic);
      if (test !== null) onProgress(`log: ${topic}, partition ${partition}`);
      return test;
    },
    onFound: ({ topic, partition, offsets }) => notes.add(erasure, topic, partition, offsets),
  });
};

const eraseFromHistory = async ({
  registry,
  notes,
  erasure,
  connection,
  root,
  now,
  onProgress,
}: ErasureRun): Promise<Readonly<Record<string, ErasedRows>>> => {
  const done: Record<string, ErasedRows> = {};
  const matchesOf = tableMatches(registry.entity.scope);
  for (const topic of await tablesBelow(root)) {
    const matches = matchesOf(topic);
    if (matches === null) continue;
    onProgress(`history: ${topic}`);
    const ends = await rowEnds({ root, topic, matches, connection });
    await noteErasedEnds(registry.topicNotes, topic, ends);
    const erased = await eraseRows({
      ...{ root, topic, matches, connection, now: now(), begun: true },
      onFound(rows) {
        const byPartition = Map.groupBy(rows, ({ partition }) => partition);
        for (const [partition, found] of byPartition)
          notes.add(
            erasure,
            topic,
            partition,
            found.map(({ offset }) => offset),
          );
      },
    });
    if (erased.files > 0 || erased.snapshots > 0) done[topic] = erased;
  }
  return done;
};

const remainsOf = async (run: ErasureRun): Promise<readonly Remains[]> => {
  const { registry, addresses, root, options, now } = run;
  const { entity, definitions } = registry;
  const { backups = [], removeBackups = false } = options;
  return [
    ...(await countedDeleted({ root, definitions, scope: entity.scope, now: now() })),
    ...(await registry.inChains()),
    ...(await inRecordsOfLog(kafkaLogs(addresses), entity)),
    ...(await rollupsOfOthers(root, entity.scope)),
    ...(await registry.dataSetsElsewhere(options.dataDirectories ?? [])),
    ...(await inBackups(removeBackups ? [] : backups)),
    ...ALWAYS,
  ];
};

type Erased = Omit<ErasureCertificate, 'recomputed' | 'ended'> & {
  readonly jobs: readonly string[];
};

/** The servers but the database and the schema registry are stopped when it returns. */
export const eraseFromStores = async (run: ErasureRun): Promise<Erased> => {
  const { options, addresses, registry, notes, erasure, now, onProgress } = run;
  const { reason, dataDirectories = [], backups = [], onStep = () => {} } = options;
  const { scope } = registry.entity;
  onProgress('stopping the servers');
  await stopForErasure(run.stack, kafkaLogs(addresses));
  await registry.assertNoGateway();
  onProgress('what has the entity');
  for (const directory of dataDirectories) removePartialFiles(join(directory, 'datasets'));
  const found = await find(run);
  const { found: all, started } = remember(notes, erasure, { started: now(), reason, found });
  onStep('found');
  await eraseFromLog(run);
  onStep('log');
  const history = await eraseFromHistory(run);
  onStep('history');
  onProgress('state of jobs, tables of Paimon, data sets');
  const { jobs, states } = await eraseDerived(addresses, registry.entity);
  for (const path of all.dataSets) rmSync(path, { force: true });
  const removed = options.removeBackups === true ? await removeBackupsIn(backups) : [];
  onStep('derived');
  onProgress('what remains');
  return {
    format: 1,
    platform: registry.platform,
    entity: { definitions: scope.entities, keyNames: scope.keyNames, digest: erasure },
    reason,
    started: new Date(started).toISOString(),
    removed: { records: notes.counts(erasure), history, states, backups: removed },
    contained: { ...all, views: scope.views, services: scope.services },
    remains: await remainsOf(run),
    jobs,
  };
};
