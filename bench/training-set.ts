/**
 * A training set of 1,000,000 rows and 10 windowed features (two views: airports and routes; 1 h, 1
 * d and 7 d) over 3,000,000 raw events, computed from the raw events. Beside it DuckDB's plain ASOF
 * JOIN of as many rows on 3,000,000 prepared changes of 10 columns; and what computes the same
 * values, which are compared (support/training-rivals.ts): one query of DuckDB with window
 * functions, and Polars. Each runs in a process of its own, so that its peak memory is its own.
 *
 *   npm run bench training-set [all]      without `all`: not Polars, nor DuckDB's windows
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { runTrainingSet } from '#infra/training-sets/run-training-set.ts';
import { type Figure, print } from './support/report.ts';
import {
  FLIGHTS_TARGET,
  makeTrainingFiles,
  type TrainingFiles,
} from './support/training-flights.ts';
import {
  duckDbWindows,
  floor,
  polarsWindows,
  type Run,
  sameValues,
} from './support/training-rivals.ts';

const EVENTS = Number(process.env['EVENTS'] ?? 3_000_000);
const ROWS = Number(process.env['ROWS'] ?? 1_000_000);

const measured = async (work: () => Promise<unknown>): Promise<Run> => {
  const started = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return {
    seconds: (performance.now() - started) / 1000,
    cpuSeconds: (user + system) / 1e6,
    peakMiB: process.resourceUsage().maxRSS / 1024,
  };
};

const beside = (what: string, { seconds, cpuSeconds, peakMiB }: Run): Figure => ({
  what,
  ours: '',
  limit: `${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU s, ${peakMiB.toFixed(0)} MiB`,
  goal: '',
  met: null,
});

const millrace = (files: TrainingFiles, out: string): Promise<unknown> =>
  runTrainingSet({
    target: FLIGHTS_TARGET,
    spine: { file: files.spine },
    out,
    mode: 'event-time',
    overwrite: true,
    sources: { flights: { files: [files.raw], below: [files.events] } },
  });

const asof = async (files: TrainingFiles, out: string): Promise<void> => {
  const duckDb = await openDuckDb({ threads: 2, memoryLimit: '4GB' });
  const connection = await duckDb.connect();
  const columns = Array.from({ length: 10 }, (_, i) => `c${i}`);
  await connection.run(`COPY (SELECT s.*, ${columns.join(', ')} FROM read_parquet('${files.spine}') s
    ASOF LEFT JOIN (SELECT origin, date, ${columns.map((c, i) => `delay + ${i} AS ${c}`).join(', ')} FROM read_parquet('${files.raw}')) c
    ON s.origin = c.origin AND s.event_timestamp >= c.date) TO '${out}' (FORMAT parquet)`);
  duckDb.close();
};

const runs = { millrace, asof, windows: duckDbWindows, floor };
const [which, directory] = process.argv.slice(2);

if (which !== undefined && directory !== undefined) {
  const files = {
    raw: join(directory, 'raw.parquet'),
    spine: join(directory, 'spine.parquet'),
    events: EVENTS,
  };
  const run = await measured(() =>
    runs[which as keyof typeof runs](files, join(directory, `${which}.parquet`)),
  );
  console.log(JSON.stringify(run));
} else {
  const made = mkdtempSync(join(tmpdir(), 'millrace-training-'));
  const child = (name: string): Run => {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [fileURLToPath(import.meta.url), name, made],
      {
        encoding: 'utf8',
      },
    );
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as Run;
  };
  try {
    await makeTrainingFiles(made, EVENTS, ROWS);
    const ours = child('millrace');
    const theirs = child('asof');
    const path = (name: string): string => join(made, `${name}.parquet`);
    const rival = async (what: string, name: string, run: () => Run): Promise<Figure[]> => {
      const found = run();
      await sameValues(path('millrace'), path(name));
      return [beside(what, found)];
    };
    const files = { raw: path('raw'), spine: path('spine'), events: EVENTS };
    const rivals =
      which === 'all'
        ? [
            beside('DuckDB reads, sorts and writes', child('floor')),
            ...(await rival('DuckDB window functions', 'windows', () => child('windows'))),
            ...(await rival('Polars', 'polars', () => polarsWindows(files, path('polars')))),
          ]
        : [];
    print(
      `Training set: ${ROWS.toLocaleString('en')} rows × 10 windowed features from ${EVENTS.toLocaleString('en')} raw events`,
      [
        {
          what: 'time',
          ours: `${ours.seconds.toFixed(1)} s`,
          limit: '20 s',
          goal: '8 s',
          met: ours.seconds < 20,
        },
        {
          what: 'peak memory',
          ours: `${ours.peakMiB.toFixed(0)} MiB`,
          limit: '2048 MiB',
          goal: '1024 MiB',
          met: ours.peakMiB < 2048,
        },
        {
          what: 'CPU time',
          ours: `${ours.cpuSeconds.toFixed(1)} s`,
          limit: '',
          goal: '15 s',
          met: ours.cpuSeconds < 15,
        },
        beside('DuckDB ASOF JOIN of prepared changes', theirs),
        ...rivals,
      ],
    );
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}
