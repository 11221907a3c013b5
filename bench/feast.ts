/**
 * Online reads of Millrace and Feast with the same rows, the same Redis and the same load, in one
 * run. Feast is the package from PyPI: `feast materialize` writes, `feast serve` answers, from the
 * features and from vectors that it has precomputed. Millrace is the stack profile's path without
 * its engine (support/redis-rig.ts): a gateway in a process of its own answers from the cached
 * copy.
 *
 *   npm run bench feast [SECONDS] [ENTITIES]
 */

import { makeDriverFile } from './support/driver-file.ts';
import { feastBodies, feastVectorBodies, httpBodies } from './support/driver-requests.ts';
import { FEAST, type FeastServer, openFeastStore } from './support/feast-store.ts';
import { cpuSecondsOf } from './support/process-cpu.ts';
import { type Load, load } from './support/read-load.ts';
import { COLUMNS, encodeRows, lastValues, writeRows } from './support/redis-rig.ts';
import { startRedis } from './support/redis-server.ts';
import { type Figure, print } from './support/report.ts';
import { type ServerProcess, startServer } from './support/server-process.ts';

const seconds = Number(process.argv[2] ?? 8);
const entities = Number(process.argv[3] ?? 20_000);
const CONNECTIONS = 16;
/** entities of a request, and how many times Feast's rate is the goal */
const SIZES = new Map([
  [1, 20],
  [50, 30],
  [100, 30],
  [500, 30],
]);

const redis = (await startRedis()).address;
const store = openFeastStore(redis, COLUMNS);
const file = await makeDriverFile(store.file, entities, COLUMNS);
const target = lastValues('drivers', COLUMNS);
await writeRows(redis, target, encodeRows(target, await file.rows()));
file.close();
console.error('feast apply');
store.apply();
console.error('feast materialize');
store.materialize();
console.error('precomputing vectors');
store.precompute();

/** One gateway, and two behind a balancer: the client's connections are distributed over them. */
const gateways = await Promise.all(
  [0, 1].map(() => startServer('./read-server.ts', ['http', 'redis', redis.host, `${redis.port}`])),
);

const post = async (to: string, body: unknown): Promise<unknown> =>
  (
    await fetch(to, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  ).json();

/** The servers' values are compared before their speed. */
const sameAnswers = async (url: string): Promise<void> => {
  // Vectors come in the order of the keys, whatever the order of the request is.
  const ids = [3, 4, 7_919].map((id) => id % entities).sort((a, b) => a - b);
  const names = Array.from({ length: COLUMNS }, (_, i) => `f${i}`);
  const features = names.map((name) => `drivers:${name}`);
  const mine = (await post(`${gateways[0]?.address}/v1/features`, {
    features,
    entities: ids.map((id) => ({ driver_id: id })),
  })) as { rows: Record<string, number>[] };
  const compare = async (request: object): Promise<void> => {
    const body = { ...request, entities: { driver_id: ids } };
    const theirs = (await post(`${url}/get-online-features`, body)) as {
      metadata: { feature_names: string[] };
      results: { values: number[] }[];
    };
    const columns = new Map(
      theirs.metadata.feature_names.map((name, i) => [
        name.replace(/^drivers__/, ''),
        theirs.results[i]?.values,
      ]),
    );
    for (const name of names)
      mine.rows.forEach((row, i) => {
        const value = columns.get(name)?.[i];
        if (row[name] !== value)
          throw new Error(`${name} of ${ids[i]}: ${row[name]} here, ${value} there`);
      });
  };
  await compare({ features });
  await compare({ feature_service: 'vectors', full_feature_names: true });
};

interface Run {
  readonly load: Load;
  /** ms of the servers' processes, a request */
  readonly cpu: number;
}

/** by the number of entities of a request */
type Runs = ReadonlyMap<number, Run>;

const requests = (urls: readonly string[], bodies: readonly string[]): Promise<Load> =>
  load({ urls, bodies, seconds, rate: 0, connections: CONNECTIONS });

const runAll = async (run: (count: number) => Promise<Run>): Promise<Runs> => {
  const runs = new Map<number, Run>();
  for (const count of SIZES.keys()) runs.set(count, await run(count));
  return runs;
};

const feastRuns = (
  { url, pid }: FeastServer,
  bodiesOf: (count: number, entities: number) => readonly string[],
): Promise<Runs> =>
  runAll(async (count) => {
    const before = cpuSecondsOf(pid);
    const found = await requests([`${url}/get-online-features`], bodiesOf(count, entities));
    return { load: found, cpu: ((cpuSecondsOf(pid) - before) * 1000) / found.answered };
  });

/** Each server measures itself. */
const measured = async (
  [first, ...rest]: readonly ServerProcess[],
  work: () => Promise<Load>,
): Promise<{ readonly load: Load; readonly cpu: number }> => {
  if (first === undefined) return { load: await work(), cpu: 0 };
  const { cpu, result } = await first.measure(() => measured(rest, work));
  return { load: result.load, cpu: cpu + result.cpu };
};

const ourRuns = (servers: readonly ServerProcess[]): Promise<Runs> =>
  runAll(async (count) => {
    const urls = servers.map(({ address }) => `${address}/v1/features`);
    const found = await measured(servers, () => requests(urls, httpBodies(count, entities)));
    return { load: found.load, cpu: (found.cpu * 1000) / found.load.answered };
  });

console.error('warming up');
const warm = await ourRuns(gateways);
const ours: Runs[] = [];
const plain: Runs[] = [];
const vectors: Runs[] = [];
for (const many of [1, 2]) {
  console.error(`feast serve, workers ${many}`);
  const server = await store.serve(many);
  await sameAnswers(server.url);
  plain.push(await feastRuns(server, feastBodies));
  vectors.push(await feastRuns(server, feastVectorBodies));
  await server.stop();
  console.error(`Millrace, gateways ${many}`);
  ours.push(await ourRuns(gateways.slice(0, many)));
}
store.remove();

const at = (runs: Runs, count: number): Run => runs.get(count) as Run;
const best = (all: readonly Runs[], count: number): Run =>
  all.map((runs) => at(runs, count)).reduce((a, b) => (a.load.requests >= b.load.requests ? a : b));
const whole = (n: number): string => (n < 100 ? n.toFixed(1) : Math.round(n).toLocaleString('en'));

/** A short run may have no answer of a slow server; its p99 is null then. */
const ms = (value: number | null): string =>
  value === null || Number.isNaN(value) ? 'none' : value.toFixed(1);

const figuresOf = (count: number, goal: number): Figure[] => {
  const mine = best(ours, count);
  const what = `${count} × ${COLUMNS}`;
  const rate = (name: string, theirs: readonly Runs[]): Figure => {
    const times = mine.load.requests / best(theirs, count).load.requests;
    return {
      what: `${what}, requests/s${name}`,
      ours: whole(mine.load.requests),
      limit: whole(best(theirs, count).load.requests),
      goal: `${goal} times: ${times.toFixed(1)}`,
      met: times >= goal,
    };
  };
  const each = (name: string, of: (run: Run) => string): Figure => {
    const list = (all: readonly Runs[]): string =>
      all.map((runs) => of(at(runs, count))).join(', ');
    return {
      what: `  ${name}: 1 process, 2`,
      ours: list(ours),
      limit: `${list(plain)}; vectors ${list(vectors)}`,
      goal: '',
      met: null,
    };
  };
  const [p99, other] = [mine.load.p99, best(plain, count).load.p99];
  return [
    rate('', plain),
    rate(' beside vectors', vectors),
    each('requests/s', ({ load: { requests: rate } }) => whole(rate)),
    each('CPU ms a request', ({ cpu }) => cpu.toFixed(cpu < 1 ? 3 : 1)),
    {
      what: '  p99, ms',
      ours: ms(p99),
      limit: `${ms(other)}; vectors ${ms(best(vectors, count).load.p99)}`,
      goal: count === 1 ? 'a tenth' : '',
      met: count === 1 ? p99 <= other / 10 : null,
    },
  ];
};

const errorsOf = (all: readonly Runs[]): number =>
  all.reduce((sum, runs) => [...runs.values()].reduce((s, run) => s + run.load.errors, sum), 0);
print(
  `online reads beside ${FEAST} (the limit's column), ${entities.toLocaleString('en')} entities × ${COLUMNS} features, one Redis, ${CONNECTIONS} connections, the better of 1 and 2 processes`,
  [
    ...[...SIZES].flatMap(([count, goal]) => figuresOf(count, goal)),
    {
      what: 'errors',
      ours: String(errorsOf([warm, ...ours])),
      limit: String(errorsOf([...plain, ...vectors])),
      goal: '0',
      met: errorsOf([warm, ...ours]) === 0,
    },
  ],
);
process.exit(0);
