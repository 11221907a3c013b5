/**
 * One million raw events in Kafka → feature updates in Kafka, Paimon and Iceberg: a view of the
 * flights example, and the Flink SQL that one would write by hand for the same aggregates, in turns
 * on one stack.
 *
 *   npm run bench stack-fill [EVENTS] [ROUNDS]
 *
 * The clock starts when the view is applied, or the hand-written statements are sent. It stops when
 * Flink has committed the offset of the last raw event, and that of the last update in both tables.
 */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Platform } from '#domain/api/platform.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import { flinkCluster } from '#infra/flink/cluster.ts';
import { settledOffsets } from '#infra/flink/settled-offsets.ts';
import { ARCHIVE_GROUP, computeGroup, MATERIALIZE_GROUP } from '#infra/flink/sql/names.ts';
import { kafkaLog } from '#infra/kafka/log.ts';
import { startStack } from '#infra/profiles/stack.ts';
import { openSession } from '#infra/shared/flink/sql-gateway.ts';
import { airport, airportDelays, flights } from '../examples/flights/features.ts';
import { flightBatches } from './support/flights.ts';
import { handWritten } from './support/hand-written-flink.ts';
import { ownStack } from './support/own-stack.ts';
import { print } from './support/report.ts';

const events = Number(process.argv[2] ?? 1_000_000);
const rounds = Number(process.argv[3] ?? 3);
const BATCH = 5_000;
const GROUP = 'hand-written';
const caller = { actor: 'bench' };
const sum = (offsets: readonly number[]): number => offsets.reduce((a, b) => a + b, 0);

const { stack, directory, remove } = ownStack('fill', 28_420);

interface Filled {
  readonly seconds: number;
  readonly updates: number;
}

try {
  await stack.up();
  const { addresses } = stack;
  const log = await kafkaLog({ brokers: [addresses.kafka], clientId: 'bench' });
  const cluster = flinkCluster(addresses.flink);
  const platform: Platform = await startStack({
    addresses,
    dataDirectory: join(directory, 'gateway'),
    warn: (message) => console.error(message),
    cache: false,
  });
  const plain = (...definitions: readonly Definition[]): Definition[] =>
    JSON.parse(JSON.stringify(definitions)) as Definition[];
  await platform.registry.apply(plain(airport, flights), {}, caller);
  const raw = rawTopic('flights');
  const begun = performance.now();
  for await (const batch of flightBatches(events, BATCH))
    await platform.publishing.publish({ source: 'flights', events: batch }, caller);
  console.error(
    `${events} events published in ${((performance.now() - begun) / 1000).toFixed(1)} s`,
  );

  /** Waits until the groups have read everything. */
  const filled = async (
    from: number,
    updates: string,
    compute: string,
    tables: readonly string[],
  ): Promise<Filled> => {
    const there = async (
      group: string,
      topic: string,
      ends: readonly number[],
    ): Promise<boolean> => {
      const settle = settledOffsets(log, topic);
      const committed = await settle(await log.committed(group, topic), ends);
      return ends.every((end, p) => (committed[p] ?? 0) >= end);
    };
    const rawEnds = await log.end(raw);
    while (!(await there(compute, raw, rawEnds))) await sleep(100);
    const computed = (performance.now() - from) / 1000;
    const ends = await log.end(updates);
    for (const group of tables) while (!(await there(group, updates, ends))) await sleep(100);
    const seconds = (performance.now() - from) / 1000;
    console.error(
      `${updates}: computed after ${computed.toFixed(1)} s, in the tables after ${seconds.toFixed(1)} s`,
    );
    return { seconds, updates: sum(ends) };
  };

  const byHand = async (round: number): Promise<Filled> => {
    const { topic, jobs } = handWritten({ addresses, raw, round, group: GROUP });
    await log.createTopic(topic, { partitions: 1 });
    const from = performance.now();
    const ids: string[] = [];
    for (const { properties, setup, statement } of jobs) {
      const session = await openSession(addresses.sqlGateway, properties);
      for (const one of setup) await session.run(one);
      ids.push(await session.submit(statement));
      await session.close();
    }
    const done = await filled(from, topic, `${GROUP}-compute-${round}`, [
      `${GROUP}-tables-${round}`,
    ]);
    for (const id of ids) await cluster.cancel(id);
    return done;
  };

  const byMillrace = async (round: number): Promise<Filled> => {
    const name = `airport_delays_${round}`;
    const from = performance.now();
    await platform.registry.apply(plain({ ...airportDelays, name }), {}, caller);
    const done = await filled(from, featuresTopic(name), computeGroup(name, 1), [
      MATERIALIZE_GROUP,
      ARCHIVE_GROUP,
    ]);
    await platform.registry.command(
      { type: 'Retire', data: { kind: 'feature-view', name } },
      caller,
    );
    return done;
  };

  const shown = ({ seconds, updates }: Filled): string =>
    `${seconds.toFixed(1)} s, ${updates.toLocaleString('en')} updates`;
  const results: { readonly ours: Filled; readonly hand: Filled }[] = [];
  for (let round = 0; round < rounds; round++) {
    // In turns, so that neither always has the warmer servers.
    const [first, second] = round % 2 === 0 ? [byHand, byMillrace] : [byMillrace, byHand];
    const one = await first(round);
    await sleep(5_000);
    const other = await second(round);
    await sleep(5_000);
    results.push(round % 2 === 0 ? { hand: one, ours: other } : { ours: one, hand: other });
    const { ours, hand } = results.at(-1) as (typeof results)[number];
    console.error(`round ${round}: Millrace ${shown(ours)}; by hand ${shown(hand)}`);
  }
  const measured = results.length > 1 ? results.slice(1) : results;
  const mean = (of: 'ours' | 'hand', what: keyof Filled): number =>
    measured.reduce((a, r) => a + r[of][what], 0) / measured.length;
  const ratio = mean('ours', 'seconds') / mean('hand', 'seconds');
  print(
    `${events.toLocaleString('en')} raw events → updates in Kafka, Paimon and Iceberg; mean of ${measured.length} after one to warm up`,
    [
      {
        what: 'seconds',
        ours: mean('ours', 'seconds').toFixed(1),
        limit: mean('hand', 'seconds').toFixed(1),
        goal: 'within 1.3 times',
        met: ratio <= 1.3,
      },
      { what: 'times', ours: ratio.toFixed(2), limit: '1', goal: '', met: null },
      {
        what: 'updates',
        ours: Math.round(mean('ours', 'updates')).toLocaleString('en'),
        limit: Math.round(mean('hand', 'updates')).toLocaleString('en'),
        goal: '',
        met: null,
      },
    ],
  );
  await platform.close();
  await log.close();
} finally {
  await remove();
}
process.exit(0);
