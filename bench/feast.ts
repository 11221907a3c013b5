/**
 * Beside Feast: the same rows, the same Redis, the same load, in one run. Feast is what PyPI has: `feast materialize` writes, `feast serve`
 * answers. Millrace is the stack profile's own path without its engine (support/redis-rig.ts): records of features.<view> are decoded and
 * written by the hot copy's worker, and a gateway in a process of its own answers from them.
 *
 *   npm run bench feast [SECONDS] [ENTITIES]
 */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDuckDb } from '#infra/duckdb/connect.ts';
import { type Load, load } from './support/read-load.ts';
import { COLUMNS, type DriverRow, encodeRows, lastValues, writeRows } from './support/redis-rig.ts';
import { type Figure, print } from './support/report.ts';

const seconds = Number(process.argv[2] ?? 10);
const entities = Number(process.argv[3] ?? 100_000);
const PINNED = 'feast[redis]==0.67.0';
const CONNECTIONS = 16;
const BODIES = 64;
const HOST = '127.0.0.1';

const venv = fileURLToPath(new URL('../.venv-feast', import.meta.url));
const python = join(venv, 'bin', 'python');
if (!existsSync(join(venv, 'bin', 'feast'))) {
  console.error(`installing ${PINNED} …`);
  execFileSync('python3', ['-m', 'venv', venv], { stdio: 'inherit' });
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', PINNED], { stdio: 'inherit' });
}

const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-feast-'));
const children: ChildProcess[] = [];
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});
const start = (command: string, args: readonly string[]): ChildProcess => {
  const child = spawn(command, args, { cwd: directory, stdio: ['ignore', 'ignore', process.env.VERBOSE ? 'inherit' : 'ignore'] });
  children.push(child);
  return child;
};
const until = async (ready: () => Promise<boolean>): Promise<void> => {
  while (!(await ready().catch(() => false))) await new Promise((resolve) => setTimeout(resolve, 200));
};

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
};

const redisPort = await freePort();
start('redis-server', ['--port', `${redisPort}`, '--bind', HOST, '--save', '', '--appendonly', 'no']);
const redis = { host: HOST, port: redisPort };

/** Even columns are whole numbers, odd ones fractions of all digits. */
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
  const names = ['driver_id', 'event_timestamp', ...Array.from({ length: wanted }, (_, i) => `f${i}`)];
  const asDouble = names.map((name) => (name === 'event_timestamp' ? 'epoch_ms(event_timestamp)::DOUBLE' : `${name}::DOUBLE`));
  const result = await connection.runAndReadAll(`SELECT ${asDouble.join(', ')} FROM read_parquet('${file}')`);
  return result.getRows().map((row) => Object.fromEntries(names.map((name, i) => [name, row[i] as number])));
};

copyFileSync(fileURLToPath(new URL('./feast/features.py', import.meta.url)), join(directory, 'features.py'));
// Feast takes every Python file beside the store's settings for definitions: this one stays where it is.
const materializeFile = fileURLToPath(new URL('./feast/materialize.py', import.meta.url));
writeFileSync(
  join(directory, 'feature_store.yaml'),
  `project: bench\nregistry: registry.db\nprovider: local\nonline_store:\n  type: redis\n  connection_string: "${HOST}:${redisPort}"\noffline_store:\n  type: file\nentity_key_serialization_version: 3\n`,
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
const tenRecords = encodeRows(ten, await read(10));
const oursTen = entities / (await writeRows(redis, ten, tenRecords));
const feastTen = materialize('drivers10');
console.error('writing 50 columns');
const fifty = lastValues('drivers', COLUMNS);
const oursFifty = entities / (await writeRows(redis, fifty, encodeRows(fifty, await read(COLUMNS))));
const feastFifty = materialize('drivers');
connection.closeSync();
database.close();

const names = Array.from({ length: COLUMNS }, (_, i) => `drivers:f${i}`);
const ids = (body: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => (body * 15_485_863 + i * 7919) % entities);
const oursBodies = (count: number): string[] =>
  Array.from({ length: BODIES }, (_, b) =>
    JSON.stringify({ features: names, entities: ids(b, count).map((id) => ({ driver_id: id })) }),
  );
const feastBodies = (count: number): string[] =>
  Array.from({ length: BODIES }, (_, b) => JSON.stringify({ features: names, entities: { driver_id: ids(b, count) } }));

const gateway = fork(fileURLToPath(new URL('./support/redis-gateway.ts', import.meta.url)), [HOST, `${redisPort}`]);
children.push(gateway);
const url = await new Promise<string>((resolve) => gateway.once('message', (message) => resolve(message as string)));

const feastServe = async (workers: string): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> => {
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
  (await fetch(to, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json();
const run = (to: string, bodies: readonly string[]): Promise<Load> =>
  load({ url: to, bodies, seconds, rate: 0, connections: CONNECTIONS });

/** The two must say the same before their speed is compared. */
const sameAnswers = async (feastUrl: string): Promise<void> => {
  const [oursBody, feastBody] = [oursBodies(3)[1] as string, feastBodies(3)[1] as string];
  const mine = (await post(`${url}/v1/features`, oursBody)) as { rows: Record<string, number>[] };
  const theirs = (await post(`${feastUrl}/get-online-features`, feastBody)) as {
    metadata: { feature_names: string[] };
    results: { values: number[] }[];
  };
  theirs.metadata.feature_names.forEach((name, column) => {
    mine.rows.forEach((row, i) => {
      if (row[name] !== theirs.results[column]?.values[i])
        throw new Error(`${name} of row ${i}: ${row[name]} here, ${theirs.results[column]?.values[i]} there`);
    });
  });
};

const feastRuns: { one: Load; hundred: Load }[] = [];
for (const workers of ['1', '2']) {
  const server = await feastServe(workers);
  await sameAnswers(server.url);
  console.error(`feast serve, workers ${workers}`);
  feastRuns.push({
    one: await run(`${server.url}/get-online-features`, feastBodies(1)),
    hundred: await run(`${server.url}/get-online-features`, feastBodies(100)),
  });
  await server.stop();
}
console.error('Millrace');
const warm = { one: await run(`${url}/v1/features`, oursBodies(1)), hundred: await run(`${url}/v1/features`, oursBodies(100)) };
const ours = { one: await run(`${url}/v1/features`, oursBodies(1)), hundred: await run(`${url}/v1/features`, oursBodies(100)) };
const best = (of: 'one' | 'hundred'): Load => feastRuns.map((r) => r[of]).reduce((a, b) => (a.requests >= b.requests ? a : b));

const whole = (n: number): string => (n < 100 ? n.toFixed(1) : Math.round(n).toLocaleString('en'));
const times = (what: string, mine: number, theirs: number, goal: number): Figure => ({
  what,
  ours: whole(mine),
  limit: whole(theirs),
  goal: `${goal} times: ${(mine / theirs).toFixed(1)}`,
  met: mine / theirs >= goal,
});
const errors = [warm.one, warm.hundred, ours.one, ours.hundred].reduce((sum, { errors: n }) => sum + n, 0);
print(
  `beside ${PINNED} (the limit's column), ${entities.toLocaleString('en')} entities × ${COLUMNS} features, one Redis, ${CONNECTIONS} connections, best of 1 and 2 workers`,
  [
    times('1 × 50, requests/s', ours.one.requests, best('one').requests, 20),
    { what: '1 × 50, p50 ms', ours: ours.one.p50.toFixed(1), limit: best('one').p50.toFixed(1), goal: '', met: null },
    {
      what: '1 × 50, p99 ms',
      ours: ours.one.p99.toFixed(1),
      limit: best('one').p99.toFixed(1),
      goal: 'a tenth',
      met: ours.one.p99 <= best('one').p99 / 10,
    },
    times('100 × 50, requests/s', ours.hundred.requests, best('hundred').requests, 30),
    { what: '100 × 50, p99 ms', ours: ours.hundred.p99.toFixed(1), limit: best('hundred').p99.toFixed(1), goal: '', met: null },
    times('rows/s written, 10 columns', oursTen, feastTen, 10),
    times('rows/s written, 50 columns', oursFifty, feastFifty, 10),
    { what: 'errors', ours: String(errors), limit: String(best('one').errors), goal: '0', met: errors === 0 },
  ],
);
process.exit(0);
