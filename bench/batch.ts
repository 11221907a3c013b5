/**
 * The values of many entities at one time, in a file (`millrace batch`): five windowed features
 * over three events of each entity. At the present time, and at a past one, which tiles cannot
 * answer. For comparison, DuckDB aggregates the files of the same events as one would by hand, and
 * copies the file alone. Some rows are compared with those of a data set.
 *
 *   npm run bench batch [ENTITIES]
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import type { EmbeddedParts } from '#infra/profiles/embedded.ts';
import { type DuckDb, openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { historyReader } from '#infra/shared/iceberg/reader.ts';
import { HOUR, orderBatches, orderDefinitions } from './support/orders.ts';
import { caller, startBenchPlatform } from './support/platform.ts';
import { type Figure, print } from './support/report.ts';
import { type Usage, usageText, used } from './support/usage.ts';

const ENTITIES = Number(process.argv[2] ?? 1_000_000);
const EVENTS = ENTITIES * 3;
const BATCH = 20_000;
const GOAL = 200_000;
const COMPARED = 10_000;

let parts: EmbeddedParts | null = null;
const bench = await startBenchPlatform(orderDefinitions(), {
  onParts: (opened) => {
    parts = opened;
  },
});
const { history } = parts as unknown as EmbeddedParts;
const { publishing, datasets } = bench.platform;

const END = Date.now() - HOUR;
console.error(`publishing ${EVENTS.toLocaleString('en')} events`);
for (const events of orderBatches(EVENTS, ENTITIES, END, BATCH))
  await publishing.publish({ source: 'orders', events }, caller);
for (const topic of [rawTopic('orders'), featuresTopic('spending')]) await history.sync(topic);
await history.maintain(rawTopic('orders'));
await sleep(2000);

const out = mkdtempSync(join(tmpdir(), 'millrace-bench-batch-'));
process.on('exit', () => rmSync(out, { recursive: true, force: true }));
const path = (name: string): string => join(out, `${name}.parquet`);

const batch = async (name: string, at: number): Promise<Usage> => {
  console.error(`batch, ${name}`);
  let rows = 0;
  const usage = await used(async () => {
    ({ rows } = await datasets.batch(
      { target: { view: 'spending' }, out: path(name), at },
      caller,
    ));
  });
  if (rows !== ENTITIES) throw new Error(`${rows} of ${ENTITIES} entities were written`);
  return usage;
};

const at = Date.now();
const first = await batch('first', at);
const present = await batch('present', at);
const past = await batch('past', END - HOUR);

const duckDb: DuckDb = await openDuckDb({ threads: 2, memoryLimit: '2GB' });
const connection = await duckDb.connect();
const sql = (statement: string): Promise<Usage> => used(() => connection.run(statement));
const tables = { files: localFiles(), uri: fileUri(join(bench.directory, 'history')) };
const reader = historyReader(tables, await openDuckDb({ threads: 1, memoryLimit: '256MB' }));
const uris = await reader.dataFiles(rawTopic('orders'));
const files = (await tables.files.engine.readable(uris)).map((file) => `'${file}'`).join(', ');
reader.close();
/** Windows are cut at hours, as the view's tiles are. */
const since = (days: number): string =>
  `epoch_ms(t) >= ${Math.floor((at - days * 24 * HOUR) / HOUR) * HOUR}`;
const byHand = await sql(
  `COPY (SELECT user, to_timestamp(${at / 1000}) AS event_timestamp,
     count(*) FILTER (${since(1)}) AS orders_1d, count(*) FILTER (${since(7)}) AS orders_7d,
     sum(amount) FILTER (${since(7)}) AS amount_7d, avg(amount) FILTER (${since(7)}) AS amount_avg_7d,
     max(items) FILTER (${since(7)}) AS items_max_7d
   FROM read_parquet([${files}]) GROUP BY user) TO '${path('by-hand')}' (FORMAT parquet, COMPRESSION zstd)`,
);
const copied = await sql(
  `COPY (SELECT * FROM read_parquet('${path('present')}')) TO '${path('copied')}' (FORMAT parquet, COMPRESSION zstd)`,
);

/** The same rows as a data set, which is computed from the raw events. */
const compare = async (name: string): Promise<void> => {
  const spine = join(out, 'spine.parquet');
  await connection.run(
    `COPY (SELECT user, event_timestamp FROM read_parquet('${path(name)}') LIMIT ${COMPARED}) TO '${spine}' (FORMAT parquet)`,
  );
  const { id } = await datasets.start(
    {
      target: { view: 'spending' },
      spine: { file: spine },
      mode: 'event-time',
      out: path('data-set'),
      overwrite: true,
    },
    caller,
  );
  await datasets.ended(id);
  const { error } = await datasets.get(id);
  if (error !== null) throw new Error(error.message);
  const differing = await connection.runAndReadAll(
    `SELECT count(*) FROM (SELECT * FROM read_parquet('${path('data-set')}')
       EXCEPT SELECT * FROM read_parquet('${path(name)}'))`,
  );
  const rows = Number(differing.getRows()[0]?.[0]);
  if (rows > 0) throw new Error(`${rows} of ${COMPARED} rows of "${name}" differ from a data set`);
};
for (const name of ['present', 'past']) await compare(name);
connection.closeSync();
duckDb.close();
await bench.close();

const rate = ({ seconds }: Usage): number => ENTITIES / seconds;
const whole = (n: number): string => Math.round(n).toLocaleString('en');
const figure = (what: string, usage: Usage, goal: number | null): Figure[] => [
  {
    what: `${what}, rows/s`,
    ours: whole(rate(usage)),
    limit: whole(rate(byHand)),
    goal: goal === null ? '' : whole(goal),
    met: goal === null ? null : rate(usage) >= goal,
  },
  { what: '  time', ours: usageText(usage), limit: usageText(byHand), goal: '', met: null },
];
print(
  `values of ${whole(ENTITIES)} entities × 5 features from ${whole(EVENTS)} events; the limit is DuckDB by hand over the files of the events`,
  [
    ...figure('at the present time, the first batch', first, null),
    ...figure('at the present time', present, GOAL),
    ...figure('at a past time', past, null),
    {
      what: 'DuckDB copies the file alone',
      ours: '',
      limit: usageText(copied),
      goal: '',
      met: null,
    },
  ],
);
