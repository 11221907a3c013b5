/**
 * Many keys: N of them with ten events each, over HTTP to a `millrace serve` in a process of its
 * own. Measured of that process: CPU time and memory of publishing, bytes on disk, a state save
 * after one key in a hundred has changed, a restart after SIGKILL, and a data set with a row for
 * each key.
 *
 *   npm run bench keys [KEYS] [ROUNDS]
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DatasetStatus } from '#domain/api/datasets.ts';
import type { PlatformStatus } from '#domain/api/operations.ts';
import { freePort } from '#tests/support/free-port.ts';
import { createHttp } from './soak/http.ts';
import { serve } from './soak/serve.ts';
import {
  definitions,
  expected,
  FEATURES,
  makeSpine,
  nameOf,
  SOURCE,
  VIEW,
  type Visit,
  worldOf,
} from './support/keys-world.ts';
import { cpuSecondsOf, peakOf, resetPeak, residentOf } from './support/process-usage.ts';
import { type Figure, percentile, print } from './support/report.ts';

const keys = Number(process.argv[2] ?? 1_000_000);
const rounds = Number(process.argv[3] ?? 10);
const BATCH = 500;
const IN_FLIGHT = 4;
const SAMPLED = 100;
const READS = 500;
const MIB = 1024 * 1024;

const end = Date.now() - 60_000;
const world = worldOf(keys, rounds, end);
const sampled = new Map<string, Visit[]>(
  Array.from({ length: SAMPLED }, (_, i) => [nameOf(Math.floor((i * keys) / SAMPLED)), []]),
);
const directory = mkdtempSync(join(tmpdir(), 'millrace-keys-'));
const data = join(directory, 'data');
const port = await freePort();
const http = createHttp([`http://127.0.0.1:${port}`]);
const start = () => serve(['--data', data, '--port', String(port)]);
let server = await start();
const pid = (): number => server.child.pid ?? 0;

const publish = async (from: number, to: number): Promise<number> => {
  const started = performance.now();
  let next = from;
  const send = async (): Promise<void> => {
    while (next < to) {
      const first = next;
      next = Math.min(to, next + BATCH);
      const events = Array.from({ length: next - first }, (_, k) => world.visit(first + k));
      for (const event of events) sampled.get(event.user)?.push(event);
      await http.post(`/v1/sources/${SOURCE}/events`, { events });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, send));
  return (performance.now() - started) / 1000;
};

const bytesBelow = (path: string): number =>
  readdirSync(path, { recursive: true, withFileTypes: true }).reduce((sum, entry) => {
    if (!entry.isFile()) return sum;
    try {
      return sum + statSync(join(entry.parentPath, entry.name)).size;
    } catch {
      // deleted since it was listed
      return sum;
    }
  }, 0);

const historyHasAll = async (): Promise<void> => {
  for (;;) {
    const { sources } = await http.get<PlatformStatus>('/v1/status');
    if (sources.every(({ position, historyPosition }) => position === historyPosition)) return;
    await sleep(500);
  }
};

/** Files of the saved states, with the time of their last change. */
const stateFiles = (): ReadonlyMap<string, { readonly bytes: number; readonly at: number }> =>
  new Map(
    readdirSync(join(data, 'state')).flatMap((name) => {
      try {
        const { size, mtimeMs } = statSync(join(data, 'state', name));
        return [[name, { bytes: size, at: mtimeMs }] as const];
      } catch {
        return [];
      }
    }),
  );

interface Save {
  readonly bytes: number;
  /** from the first sign of it on disk */
  readonly seconds: number;
  /** ms: the longest time in which the server answered nothing */
  readonly longestWait: number;
}

/** Waits for the next state that is saved; a server saves one at least every minute. */
const nextSave = async (): Promise<Save> => {
  const since = Date.now();
  const isNew = ({ at }: { readonly at: number }): boolean => at >= since;
  let first: number | null = null;
  let longestWait = 0;
  for (;;) {
    const asked = performance.now();
    await http.get('/healthz');
    longestWait = Math.max(longestWait, performance.now() - asked);
    const files = [...stateFiles()];
    if (files.some(([, file]) => isNew(file))) first ??= performance.now();
    if (files.some(([name, file]) => name.endsWith('.state') && isNew(file))) {
      const bytes = files.filter(([, file]) => isNew(file)).reduce((n, [, f]) => n + f.bytes, 0);
      return { bytes, seconds: (performance.now() - (first ?? asked)) / 1000, longestWait };
    }
    await sleep(5);
  }
};

const readOne = async (name: string): Promise<void> => {
  const { rows, at, degraded } = await http.post<{
    readonly rows: readonly Readonly<Record<string, number | null>>[];
    readonly at: number;
    readonly degraded?: readonly string[];
  }>('/v1/features', { features: FEATURES, entities: [{ user: name }] });
  const got = [rows[0]?.['visits_1d'], rows[0]?.['spent_max_7d']];
  const want = expected(sampled.get(name) ?? [], at);
  if (JSON.stringify(got) !== JSON.stringify(want))
    throw new Error(`${name} at ${at}: ${JSON.stringify({ got, want, degraded, rows })}`);
  if (degraded !== undefined) throw new Error(`${name}: ${degraded.join(', ')}`);
};

/** ms, sorted */
const readSome = async (): Promise<readonly number[]> => {
  const names = [...sampled.keys()];
  const times: number[] = [];
  for (let i = 0; i < READS; i++) {
    const asked = performance.now();
    await readOne(names[i % names.length] as string);
    times.push(performance.now() - asked);
  }
  return times.sort((a, b) => a - b);
};

const buildDataSet = async (spine: string): Promise<DatasetStatus> => {
  const out = join(directory, 'set.parquet');
  const { id } = await http.post<DatasetStatus>('/v1/datasets', {
    view: VIEW,
    spine: { file: spine },
    out,
  });
  for (;;) {
    const status = await http.get<DatasetStatus>(`/v1/datasets/${id}`);
    if (status.state === 'done') return status;
    if (status.state !== 'running') throw new Error(JSON.stringify(status));
    await sleep(200);
  }
};

const mib = (n: number): string => `${Math.round(n)} MiB`;
const seconds = (n: number): string => `${n.toFixed(2)} s`;
const figures: Figure[] = [];
const add = (what: string, ours: string, goal = '', met: boolean | null = null): void => {
  figures.push({ what, ours, limit: '', goal, met });
  console.log(`${what}: ${ours}`);
};
const isMillion = keys === 1_000_000;

try {
  await http.post('/v1/apply', {
    definitions: JSON.parse(JSON.stringify(definitions)) as unknown,
    reason: 'bench',
  });
  const took = await publish(0, world.events);
  const micros = (cpuSecondsOf(pid()) * 1e6) / world.events;
  add('publish over HTTP, CPU an event', `${micros.toFixed(1)} µs`, '45 µs', micros < 45);
  add('publish over HTTP, events/s', Math.round(world.events / took).toLocaleString('en'));
  add('memory after it', mib(residentOf(pid())));
  add('most memory', mib(peakOf(pid())));

  await nextSave();
  await historyHasAll();
  const [all, state, history] = [data, join(data, 'state'), join(data, 'history')].map(
    (path) => bytesBelow(path) / world.events,
  ) as [number, number, number];
  add('bytes on disk an event', `${all.toFixed(0)} B`, '150 B', all < 150);
  add('of these, the saved state', `${state.toFixed(0)} B`);
  add('of these, the history', `${history.toFixed(0)} B`);

  const few = Math.ceil(keys / 100);
  const cpuBefore = cpuSecondsOf(pid());
  await publish(world.events, world.events + few);
  const save = await nextSave();
  add('state save after 1 % of the keys: written', `${(save.bytes / MIB).toFixed(1)} MiB`);
  add('the same: time on disk', seconds(save.seconds));
  add('the same: longest wait of a request', `${save.longestWait.toFixed(0)} ms`);
  add('the same: CPU with publishing', seconds(cpuSecondsOf(pid()) - cpuBefore));

  const tail = Math.ceil(keys / 10);
  await publish(world.events + few, world.events + few + tail);
  server.child.kill('SIGKILL');
  await server.ended;
  const killed = performance.now();
  server = await start();
  const ready = (performance.now() - killed) / 1000;
  add('restart after a kill: ready', seconds(ready), '4 s', isMillion ? ready < 4 : null);
  const times = await readSome();
  const first = (performance.now() - killed) / 1000;
  add('the same: CPU until ready and read', seconds(cpuSecondsOf(pid())));
  add(`the same: ${READS} reads answered`, seconds(first));
  const worst = (times.at(-1) ?? 0) / 1000;
  add('slowest of the first reads', seconds(worst), '1 s', worst < 1);
  add('p50 of the first reads', `${percentile(times, 0.5).toFixed(1)} ms`);
  add('memory after them', mib(residentOf(pid())));

  const spine = await makeSpine(directory, world, end);
  resetPeak(pid());
  const [cpuFrom, from] = [cpuSecondsOf(pid()), performance.now()];
  const { rows } = await buildDataSet(spine);
  const cpu = cpuSecondsOf(pid()) - cpuFrom;
  if (rows !== keys) throw new Error(`the data set has ${rows} rows`);
  add('data set of a row a key × 5: CPU', seconds(cpu), '50 s', isMillion ? cpu < 50 : null);
  add('the same: time', seconds((performance.now() - from) / 1000));
  const peak = peakOf(pid());
  add('the same: most memory of the server', mib(peak), '1024 MiB', peak < 1024);
  print(`${keys.toLocaleString('en')} keys × ${rounds} events`, figures);
} finally {
  server.child.kill('SIGKILL');
  await server.ended;
  http.close();
  rmSync(directory, { recursive: true, force: true });
}
