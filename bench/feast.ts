/**
 * Millrace and Feast with the same rows, the same Redis and the same load, in one run. Feast is the
 * package from PyPI: `feast materialize` writes, `feast serve` answers. Millrace is the stack
 * profile's path without its engine (support/redis-rig.ts): the cached copy's worker decodes and
 * writes the records of features.<view>, and a gateway in a process of its own answers from them.
 *
 *   npm run bench feast [SECONDS] [ENTITIES]
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { feastBodies, httpBodies } from './support/driver-requests.ts';
import { type Load, load } from './support/read-load.ts';
import { COLUMNS, type DriverRow, encodeRows, lastValues, writeRows } from './support/redis-rig.ts';
import { freePort, startRedis } from './support/redis-server.ts';
import { type Figure, print } from './support/report.ts';
import { type ServerProcess, startServer } from './support/server-process.ts';

const seconds = Number(process.argv[2] ?? 10);
const entities = Number(process.argv[3] ?? 100_000);
const PINNED = 'feast[redis]==0.67.0';
const CONNECTIONS = 16;
const HOST = '127.0.0.1';

const venv = fileURLToPath(new URL('../.venv-feast', import.meta.url));
const python = join(venv, 'bin', 'python');
if (!existsSync(join(venv, 'bin', 'feast'))) {
  console.error(`installing ${PINNED} …`);
  execFileSync('python3', ['-m', 'venv', venv], { stdio: 'inherit' });
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', PINNED], {
    stdio: 'inherit',
  });
}

const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-feast-'));
const children: ChildProcess[] = [];
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});
const start = (command: string, args: readonly string[]): ChildProcess => {
  const child = spawn(command, args, {
    cwd: directory,
    stdio: ['ignore', 'ignore', process.env.VERBOSE ? 'inherit' : 'ignore'],
  });
  children.push(child);
  return child;
};
const until = async (ready: () => Promise<boolean>): Promise<void> => {
  while (!(await ready().catch(() => false))) await sleep(200);
};

const redis = (await startRedis()).address;

/** Even columns have whole numbers, odd ones fractions with all digits. */
const file = join(directory, 'rows.parquet');
const database = await openDuckDb({ threads: 2, memoryLimit: '1GB' });
const connection = await database.connect();
const columns = Array.from({ length: COLUMNS }, (_, i) =>
  i % 2 === 0
    ? `(hash(i * 100 + ${i}) % 1000000)::BIGINT AS f${i}`
    : `(hash(i * 100 + ${i}) / 18446744073709551616)::DOUBLE AS f${i}`,
);
await connection.run(
  `COPY (SELECT i AS driver_id, TIMESTAMPTZ '2025-01-01 00:00:00Z' + to_milliseconds(i) AS event_timestamp, ${columns.join(', ')}
   FROM range(${entities}) t(i)) TO '${file}' (FORMAT parquet)`,
);
const read = async (wanted: number): Promise<DriverRow[]> => {
  const names = [
    'driver_id',
    'event_timestamp',
    ...Array.from({ length: wanted }, (_, i) => `f${i}`),
  ];
  const asDouble = names.map((name) =>
    name === 'event_timestamp' ? 'epoch_ms(event_timestamp)::DOUBLE' : `${name}::DOUBLE`,
  );
  const result = await connection.runAndReadAll(
    `SELECT ${asDouble.join(', ')} FROM read_parquet('${file}')`,
  );
  return result
    .getRows()
    .map((row) => Object.fromEntries(names.map((name, i) => [name, row[i] as number])));
};

copyFileSync(
  fileURLToPath(new URL('./feast/features.py', import.meta.url)),
  join(directory, 'features.py'),
);
// Feast reads every Python file next to the store's settings as definitions, so this file stays
// here.
const materializeFile = fileURLToPath(new URL('./feast/materialize.py', import.meta.url));
writeFileSync(
  join(directory, 'feature_store.yaml'),
  `project: bench\nregistry: registry.db\nprovider: local\nonline_store:\n  type: redis\n  connection_string: "${HOST}:${redis.port}"\noffline_store:\n  type: file\nentity_key_serialization_version: 3\n`,
);
const feast = (...args: string[]): string =>
  execFileSync(args[0] as string, args.slice(1), {
    cwd: directory,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', process.env.VERBOSE ? 'inherit' : 'ignore'],
  });
console.error('feast apply');
feast(join(venv, 'bin', 'feast'), 'apply');
const materialize = (view: string): number =>
  entities / Number(/seconds ([\d.]+)/.exec(feast(python, materializeFile, view))?.[1]);

console.error('writing 10 columns');
const ten = lastValues('drivers10', 10);
const tenRows = await read(10);
const tenRecords = encodeRows(ten, tenRows);
// The worker that fills the cached copy runs for weeks, so its first second is not measured.
const first = lastValues('warm_up', 10);
await writeRows(redis, first, encodeRows(first, tenRows));
const oursTen = entities / (await writeRows(redis, ten, tenRecords));
const feastTen = materialize('drivers10');
console.error('writing 50 columns');
const fifty = lastValues('drivers', COLUMNS);
const oursFifty =
  entities / (await writeRows(redis, fifty, encodeRows(fifty, await read(COLUMNS))));
const feastFifty = materialize('drivers');
connection.closeSync();
database.close();

/** One gateway, and two behind a balancer: the client's connections are distributed over them. */
const gateways = await Promise.all(
  [0, 1].map(() => startServer('./read-server.ts', ['http', 'redis', HOST, `${redis.port}`])),
);

const feastServe = async (
  workers: string,
): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> => {
  const port = await freePort();
  const child = start(join(venv, 'bin', 'feast'), [
    'serve',
    '--host',
    HOST,
    '--port',
    `${port}`,
    '--max-requests',
    '0',
    '--workers',
    workers,
    '--no-access-log',
  ]);
  await until(async () => (await fetch(`http://${HOST}:${port}/health`)).ok);
  return {
    url: `http://${HOST}:${port}`,
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
};

const post = async (to: string, body: string): Promise<unknown> =>
  (
    await fetch(to, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  ).json();
const run = (urls: readonly string[], bodies: readonly string[]): Promise<Load> =>
  load({ urls, bodies, seconds, rate: 0, connections: CONNECTIONS });

interface Both {
  readonly one: Load;
  readonly hundred: Load;
}

const feastRun = async (url: string): Promise<Both> => ({
  one: await run([`${url}/get-online-features`], feastBodies(1, entities)),
  hundred: await run([`${url}/get-online-features`], feastBodies(100, entities)),
});
const ourRun = async (servers: readonly ServerProcess[]): Promise<Both> => {
  const urls = servers.map(({ address }) => `${address}/v1/features`);
  return {
    one: await run(urls, httpBodies(1, entities)),
    hundred: await run(urls, httpBodies(100, entities)),
  };
};

/** Both must return the same values before their speed is compared. */
const sameAnswers = async (feastUrl: string): Promise<void> => {
  const [oursBody, feastBody] = [
    httpBodies(3, entities)[1] as string,
    feastBodies(3, entities)[1] as string,
  ];
  const mine = (await post(`${gateways[0]?.address}/v1/features`, oursBody)) as {
    rows: Record<string, number>[];
  };
  const theirs = (await post(`${feastUrl}/get-online-features`, feastBody)) as {
    metadata: { feature_names: string[] };
    results: { values: number[] }[];
  };
  theirs.metadata.feature_names.forEach((name, column) => {
    mine.rows.forEach((row, i) => {
      if (row[name] !== theirs.results[column]?.values[i])
        throw new Error(
          `${name} of row ${i}: ${row[name]} here, ${theirs.results[column]?.values[i]} there`,
        );
    });
  });
};

console.error('warming up');
const warm = await ourRun(gateways);
const theirs: Both[] = [];
const ours: Both[] = [];
for (const many of [1, 2]) {
  const server = await feastServe(`${many}`);
  await sameAnswers(server.url);
  console.error(`feast serve, workers ${many}`);
  theirs.push(await feastRun(server.url));
  await server.stop();
  console.error(`Millrace, gateways ${many}`);
  ours.push(await ourRun(gateways.slice(0, many)));
}
const best = (runs: readonly Both[], of: keyof Both): Load =>
  runs.map((both) => both[of]).reduce((a, b) => (a.requests >= b.requests ? a : b));

const whole = (n: number): string => (n < 100 ? n.toFixed(1) : Math.round(n).toLocaleString('en'));
const times = (what: string, mine: number, theirs: number, goal: number): Figure => ({
  what,
  ours: whole(mine),
  limit: whole(theirs),
  goal: `${goal} times: ${(mine / theirs).toFixed(1)}`,
  met: mine / theirs >= goal,
});
const tenth = (what: string, of: keyof Both, goal: boolean): Figure => {
  const [mine, other] = [best(ours, of), best(theirs, of)];
  return {
    what,
    ours: mine.p99.toFixed(1),
    limit: other.p99.toFixed(1),
    goal: goal ? 'a tenth' : '',
    met: goal ? mine.p99 <= other.p99 / 10 : null,
  };
};
/** With one process and with two, for each side. */
const each = (what: string, of: keyof Both): Figure => ({
  what,
  ours: ours.map((both) => whole(both[of].requests)).join(', '),
  limit: theirs.map((both) => whole(both[of].requests)).join(', '),
  goal: '',
  met: null,
});
const errors = [warm, ...ours].reduce(
  (sum, { one, hundred }) => sum + one.errors + hundred.errors,
  0,
);
print(
  `beside ${PINNED} (the limit's column), ${entities.toLocaleString('en')} entities × ${COLUMNS} features, one Redis, ${CONNECTIONS} connections, the better of 1 and 2 processes`,
  [
    times('1 × 50, requests/s', best(ours, 'one').requests, best(theirs, 'one').requests, 20),
    each('  1 process, 2', 'one'),
    tenth('1 × 50, p99 ms', 'one', true),
    times(
      '100 × 50, requests/s',
      best(ours, 'hundred').requests,
      best(theirs, 'hundred').requests,
      30,
    ),
    each('  1 process, 2', 'hundred'),
    tenth('100 × 50, p99 ms', 'hundred', false),
    times('rows/s written, 10 columns', oursTen, feastTen, 10),
    times('rows/s written, 50 columns', oursFifty, feastFifty, 10),
    {
      what: 'errors',
      ours: String(errors),
      limit: String(best(theirs, 'one').errors),
      goal: '0',
      met: errors === 0,
    },
  ],
);
process.exit(0);
