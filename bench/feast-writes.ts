/**
 * Rows written to Redis by Millrace's cached copy and by `feast materialize`, at several sizes, in
 * turns on one Redis, which is emptied before each run. Feast's time is that of its code, without
 * its start. Millrace's worker decodes the records of features.<view> and writes them
 * (support/redis-rig.ts); it runs for weeks, so its first rows are not measured.
 *
 *   npm run bench feast-writes [ROUNDS] [ROWS …]
 */

import { Redis } from 'ioredis';
import { makeDriverFile } from './support/driver-file.ts';
import { driverRows } from './support/driver-rows.ts';
import { FEAST, openFeastStore } from './support/feast-store.ts';
import { COLUMNS, encodeRows, lastValues, type Written, writeRows } from './support/redis-rig.ts';
import { startRedis } from './support/redis-server.ts';
import { type Figure, median, print } from './support/report.ts';

const [roundsText = '3', ...sizes] = process.argv.slice(2);
const rounds = Number(roundsText);
const TEN = 10;
const GOAL = 10;
const WARM_ROWS = 100_000;

interface Case {
  readonly rows: number;
  readonly columns: number;
}

const cases: readonly Case[] =
  sizes.length > 0
    ? sizes.map((rows) => ({ rows: Number(rows), columns: TEN }))
    : [
        { rows: 1_000, columns: TEN },
        { rows: 10_000, columns: TEN },
        { rows: 100_000, columns: TEN },
        { rows: 1_000_000, columns: TEN },
        { rows: 100_000, columns: COLUMNS },
      ];

const redis = (await startRedis()).address;
const admin = new Redis(redis.port, redis.host);
const warm = lastValues('warm_up', TEN);
await writeRows(redis, warm, encodeRows(warm, driverRows(WARM_ROWS, TEN)));

const whole = (n: number): string => Math.round(n).toLocaleString('en');
const micros = (n: number): string => `${n.toFixed(n < 10 ? 1 : 0)} µs`;

const compare = async ({ rows, columns }: Case): Promise<Figure[]> => {
  console.error(`${whole(rows)} rows × ${columns} columns`);
  const store = openFeastStore(redis, columns);
  const file = await makeDriverFile(store.file, rows, columns);
  store.apply();
  const target = lastValues('drivers', columns);
  const records = encodeRows(target, await file.rows());
  file.close();
  const ours: Written[] = [];
  const theirs: Written[] = [];
  for (let round = 0; round < rounds; round++) {
    await admin.flushall();
    ours.push(await writeRows(redis, target, records));
    await admin.flushall();
    theirs.push(store.materialize());
    const written = await admin.dbsize();
    if (written !== rows) throw new Error(`Feast has written ${written} of ${rows} rows`);
  }
  store.remove();
  const rate = (all: readonly Written[]): number => rows / median(all.map((run) => run.seconds));
  const cpu = (all: readonly Written[]): number =>
    (median(all.map((run) => run.cpuSeconds)) * 1e6) / rows;
  const times = rate(ours) / rate(theirs);
  return [
    {
      what: `${whole(rows)} rows × ${columns} columns, rows/s`,
      ours: whole(rate(ours)),
      limit: whole(rate(theirs)),
      goal: `${GOAL} times: ${times.toFixed(1)}`,
      met: times >= GOAL,
    },
    {
      what: '  CPU a row',
      ours: micros(cpu(ours)),
      limit: micros(cpu(theirs)),
      goal: '',
      met: null,
    },
  ];
};

const figures: Figure[] = [];
for (const one of cases) figures.push(...(await compare(one)));
print(
  `rows written to the cache beside ${FEAST} (the limit's column), medians of ${rounds}`,
  figures,
);
process.exit(0);
