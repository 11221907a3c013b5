/**
 * Data sets that Spark joins (PyPI's pyspark, on this machine): random definitions, and a named
 * data set, whose file has the same bytes as the platform's own.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { DatasetRequest } from '#domain/api/datasets.ts';
import {
  avg,
  col,
  count,
  entity,
  featureService,
  featureView,
  last,
  lastK,
  onDemandFeature,
  request,
  source,
} from '#domain/definitions/index.ts';
import { literal } from '#domain/sql/duckdb/names.ts';
import type { RawEvent } from '#domain/values/value.ts';
import { sparkEngine } from '#infra/spark/engine.ts';
import { buildJavaModule } from '#infra/stack/java-module.ts';
import { casesOf, joinEngineContract } from '#tests/contracts/join-engine.contract.ts';
import { caller, finished, plain, testPlatform } from '#tests/support/platform.ts';
import { rawRelation } from '#tests/support/raw-events.ts';
import { hasPython, pythonWithDialects } from '#tests/support/venv.ts';

const all = process.env.MILLRACE_TEST_ENGINES === 'all';
if (!all) console.warn('Spark is run with MILLRACE_TEST_ENGINES=all');
const python = hasPython();
if (!python) console.warn('Spark is not run: this machine has no python3');

/** Of pyspark: that of its environment works only where the environment is active. */
const submitOf = (): string => {
  const code = 'import pyspark; print(pyspark.__path__[0])';
  const home = execFileSync(pythonWithDialects(), ['-c', code], { encoding: 'utf8' }).trim();
  return join(home, 'bin', 'spark-submit');
};

/** For a few rows: compiling takes longer than they do. */
const SMALL = {
  'spark.master': 'local[2]',
  'spark.driver.extraJavaOptions': '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC',
  'spark.sql.codegen.wholeStage': 'false',
  'spark.sql.codegen.factoryMode': 'NO_CODEGEN',
  'spark.sql.adaptive.enabled': 'false',
};

/** Processes of an application whose job is below the directory. */
const running = (directory: string): readonly string[] =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return command.includes('BatchJoin') && command.includes(directory);
      } catch {
        return false;
      }
    });

/** Fields whose values are all null have no column in one of the files. */
const empty = (fields: Readonly<Record<string, string>>, events: readonly RawEvent[]) =>
  new Set(
    Object.keys(fields).filter((name) => events.every(({ row }) => (row[name] ?? null) === null)),
  );

// Without Python, there is no Spark to run; it takes a minute.
describe.skipIf(!python || !all)('on Spark', () => {
  joinEngineContract(
    'Spark',
    async () => {
      const directory = mkdtempSync(join(tmpdir(), 'millrace-spark-'));
      const jar = () => buildJavaModule(() => {});
      const engine = sparkEngine({ command: submitOf(), conf: SMALL, jar });
      let stored = 0;
      return {
        engine,
        async store(connection, of, events) {
          const half = events.filter((_, i) => i % 2 === 0);
          const files: string[] = [];
          for (const some of [half, events.filter((event) => !half.includes(event))]) {
            const file = join(directory, `raw ${stored}[1].parquet`);
            const left = empty(of.fields, some);
            left.delete(of.eventTime);
            const relation = await rawRelation(connection, `raw_${stored++}`, of, some, left);
            await connection.run(`COPY ${relation} TO ${literal(file)} (FORMAT parquet)`);
            files.push(file);
          }
          return { files };
        },
        isRunning: async () => running(tmpdir()).length > 0,
        close: () => rmSync(directory, { recursive: true, force: true }),
      };
    },
    {
      cases: casesOf(6),
      failures: true,
      // Its job watches its input: see below.
      outlives: false,
    },
  );
});

const user = entity({ name: 'user', keys: { user: 'string', shop: 'int' } });
const sales = source({
  name: 'sales',
  fields: { user: 'string', shop: 'int', at: 'timestamp', price: 'double?', item: 'string' },
  eventTime: 'at',
});
const bought = featureView({
  name: 'bought',
  entity: user,
  source: sales,
  features: {
    sold: count({ window: '1h' }),
    mean: avg(col('price'), { window: '1d', hop: '1h' }),
    item: last(col('item')),
    items: lastK(col('item'), 3, { window: '7d' }),
  },
});
const dear = onDemandFeature({
  name: 'dear',
  type: 'boolean',
  inputs: { mean: bought.feature('mean'), price: request('price', 'double') },
  value: ({ mean, price }) => price.gt(mean),
});
const model = featureService({ name: 'model', features: [bought, dear] });

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 1);
const EVENTS = Array.from({ length: 400 }, (_, i) => ({
  user: `u${i % 7}`,
  shop: i % 2,
  at: START + ((i * 7919) % 400) * 600_000,
  price: i % 11 === 0 ? null : (i * 13) % 97,
  item: `item ${i % 5}`,
}));
const ROWS = Array.from({ length: 90 }, (_, i) => ({
  user: `u${i % 9}`,
  shop: i % 2,
  event_timestamp: START + ((i * 31) % 80) * (DAY / 16),
  price: i % 50,
  label: i,
}));

// Without Python, there is no Spark to run; it takes a minute.
describe.skipIf(!python || !all)('a data set of the platform on Spark', () => {
  const closes: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const close of closes) await close();
  });

  test('has the bytes of the platform’s own, and leaves nothing beside it', async () => {
    const on = await testPlatform({ spark: { command: submitOf(), conf: SMALL } });
    closes.push(on.dispose);
    const { platform, files } = on;
    await platform.registry.apply(plain(user, sales, bought, dear, model), {}, caller);
    await platform.publishing.publish({ source: 'sales', events: EVENTS }, caller);
    const wanted: DatasetRequest = {
      target: { service: 'model' },
      spine: { rows: ROWS },
      mode: 'as-served',
      withStatus: true,
      name: 'sold_v1',
      out: join(files, 'own.parquet'),
    };
    const own = await finished(platform, await platform.datasets.start(wanted, caller));
    expect(own.error).toBeNull();
    const again = await platform.datasets.rerun(
      'sold_v1',
      { spine: { rows: ROWS }, out: join(files, 'spark.parquet'), engine: 'spark' },
      caller,
    );
    expect(await finished(platform, again)).toMatchObject({ error: null, rows: ROWS.length });
    const bytes = (name: string): Buffer => readFileSync(join(files, name));
    expect(bytes('spark.parquet').equals(bytes('own.parquet'))).toBe(true);
    expect(readdirSync(files).sort()).toEqual(['own.parquet', 'spark.parquet']);
  }, 300_000);

  test('an engine that the platform has not is refused', async () => {
    const on = await testPlatform();
    closes.push(on.dispose);
    await on.platform.registry.apply(plain(user, sales, bought), {}, caller);
    const wanted: DatasetRequest = {
      target: { view: 'bought' },
      spine: { rows: ROWS },
      mode: 'event-time',
      engine: 'flink',
    };
    await expect(on.platform.datasets.start(wanted, caller)).rejects.toMatchObject({
      code: 'MR_REFUSED',
      message: expect.stringContaining('use embedded or spark'),
    });
  });
});

// Without Python, there is no Spark to run.
test.skipIf(!python || !all)(
  'the application ends when its standard input does',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-spark-'));
    try {
      // It waits for its job for ever, as nobody writes to the pipe.
      const job = join(directory, 'job');
      execFileSync('mkfifo', [job]);
      const jar = await buildJavaModule(() => {});
      const args = ['--class', 'io.millrace.spark.BatchJoin', jar, job];
      const run = () => execFileSync(submitOf(), args, { stdio: 'ignore' });
      expect(run).toThrow(expect.objectContaining({ status: 3 }));
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
  120_000,
);
