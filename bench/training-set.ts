/**
 * A training set of 1,000,000 rows and 10 windowed features (two views: airports and routes; 1 h, 1
 * d and 7 d) over 3,000,000 raw events, computed from the raw events. The limit is DuckDB's plain
 * ASOF JOIN of as many rows on 3,000,000 prepared changes of 10 columns. Each runs in a process of
 * its own, so that its peak memory is its own.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { runTrainingSet } from '#infra/training-sets/run-training-set.ts';
import { print } from './support/report.ts';
import {
  FLIGHTS_TARGET,
  makeTrainingFiles,
  type TrainingFiles,
} from './support/training-flights.ts';

const EVENTS = Number(process.env['EVENTS'] ?? 3_000_000);
const ROWS = Number(process.env['ROWS'] ?? 1_000_000);

interface Run {
  readonly seconds: number;
  readonly peakMiB: number;
}

const measured = async (work: () => Promise<unknown>): Promise<Run> => {
  const started = performance.now();
  await work();
  return {
    seconds: (performance.now() - started) / 1000,
    peakMiB: process.resourceUsage().maxRSS / 1024,
  };
};

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

const runs = { millrace, asof };
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
          what: 'DuckDB ASOF JOIN, time',
          ours: `${theirs.seconds.toFixed(1)} s`,
          limit: '',
          goal: '',
          met: null,
        },
        {
          what: 'DuckDB ASOF JOIN, peak memory',
          ours: `${theirs.peakMiB.toFixed(0)} MiB`,
          limit: '',
          goal: '',
          met: null,
        },
      ],
    );
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}
