/**
 * A log that was cut at any moment has what it had then: ends, positions of readers at and behind
 * the ends, sequences of producers; and a log that is opened again goes on from there.
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TransactionalLog } from '#domain/ports/stream-task.ts';
import { sqliteAuditStore } from '#infra/sqlite/audit-store.ts';
import { cutDatabase } from '#infra/sqlite/cut-database.ts';
import { sqliteEventStore } from '#infra/sqlite/event-store.ts';
import { openIdentity } from '#infra/sqlite/identity.ts';
import { pastWrites } from '#infra/sqlite/past-tables.ts';
import { sqliteSchemaRegistry } from '#infra/sqlite/schema-registry.ts';
import { openLog, temporaryDirectory } from '#tests/contracts/sqlite.ts';

const TOPICS = ['one', 'two'];
const CONSUMERS = ['a', 'b', 'c'];
const PRODUCERS = ['p', 'q'];
const PARTITIONS = [0, 1];

type Move = 'end' | 'behind' | 'stays';

interface Step {
  /** how much later than the one before, ms */
  readonly after: number;
  /** records of each topic and partition */
  readonly records: readonly (readonly number[])[];
  /** of each consumer in each topic */
  readonly moves: readonly (readonly Move[])[];
  readonly producer: string | null;
  readonly reopens: boolean;
}

const move = fc.constantFrom<Move>('end', 'end', 'end', 'behind', 'stays');
const step: fc.Arbitrary<Step> = fc.record({
  after: fc.constantFrom(0, 0, 1, 5),
  records: fc.array(fc.array(fc.nat(3), { minLength: 2, maxLength: 2 }), {
    minLength: 2,
    maxLength: 2,
  }),
  moves: fc.array(fc.array(move, { minLength: 2, maxLength: 2 }), { minLength: 3, maxLength: 3 }),
  producer: fc.constantFrom(null, ...PRODUCERS),
  reopens: fc.boolean(),
});

const stateOf = async (log: TransactionalLog): Promise<unknown> => ({
  ends: await Promise.all(TOPICS.map((topic) => log.end(topic))),
  positions: await Promise.all(
    CONSUMERS.flatMap((consumer) => TOPICS.map((topic) => log.committed(consumer, topic))),
  ),
  sequences: await Promise.all(PRODUCERS.map((producer) => log.producerSequence(producer, 'one'))),
});

const append = async (
  log: TransactionalLog,
  { records, moves, producer }: Step,
): Promise<number> => {
  const ends = await Promise.all(TOPICS.map((topic) => log.end(topic)));
  const all = TOPICS.flatMap((topic, t) =>
    PARTITIONS.flatMap((partition) =>
      Array.from({ length: records[t]?.[partition] ?? 0 }, () => ({
        topic,
        partition,
        key: null,
        value: Buffer.from('x'),
        schemaId: 1,
      })),
    ),
  );
  const positions = CONSUMERS.flatMap((consumer, c) =>
    TOPICS.flatMap((topic, t) => {
      const moved = moves[c]?.[t];
      if (moved === 'stays') return [];
      return PARTITIONS.map((partition) => {
        const end = (ends[t]?.[partition] ?? 0) + (records[t]?.[partition] ?? 0);
        const offset = moved === 'end' ? end : Math.floor(end / 2);
        return { consumer, topic, partition, offset };
      });
    }),
  );
  const { logTime } = await log.append({
    records: all,
    positions,
    ...(producer === null
      ? {}
      : {
          producer: {
            id: producer,
            topic: 'one',
            sequence: await log.producerSequence(producer, 'one'),
            count: 3,
          },
        }),
  });
  return logTime;
};

test('a cut log has the ends, positions and sequences of the moment', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const directory = temporaryDirectory();
      let time = 1_000;
      let opened = openLog(directory.path, () => time);
      openIdentity(opened.database);
      sqliteEventStore(opened.database);
      sqliteAuditStore(opened.database);
      sqliteSchemaRegistry(opened.database);
      try {
        for (const topic of TOPICS) await opened.log.createTopic(topic, { partitions: 2 });
        /** log time → what the log had after the last commit of that time */
        const states = new Map<number, unknown>();
        for (const each of steps) {
          time += each.after;
          if (each.reopens) {
            await opened.close();
            opened = openLog(directory.path, () => time);
          }
          const logTime = await append(opened.log, each);
          states.set(logTime, await stateOf(opened.log));
        }
        await opened.close();
        for (const [logTime, wanted] of states) {
          const copy = temporaryDirectory();
          cpSync(directory.path, copy.path, { recursive: true });
          // What was before an earlier moment may be forgotten.
          const forgetting = openLog(copy.path, () => time + 10);
          const [earliest = 0] = [...states.keys()];
          pastWrites(forgetting.database.db).forget(
            earliest + Math.floor((logTime - earliest) / 2),
          );
          await forgetting.close();
          cutDatabase(join(copy.path, 'millrace.db'), { logTime, registry: null });
          const cut = openLog(copy.path, () => time + 10);
          expect(await stateOf(cut.log)).toEqual(wanted);
          // What it writes next can be cut too: it kept the past of what it kept.
          await append(cut.log, steps[0] as Step);
          await cut.close();
          cutDatabase(join(copy.path, 'millrace.db'), { logTime, registry: null });
          const again = openLog(copy.path, () => time + 10);
          expect(await stateOf(again.log)).toEqual(wanted);
          await again.close();
          copy.remove();
        }
      } finally {
        await opened.close();
        directory.remove();
      }
    }),
    { numRuns: Number(process.env.MILLRACE_RUNS ?? 25) },
  );
}, 120_000);
