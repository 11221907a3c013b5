/**
 * The training set of `bench training-set` with 10,000,000 rows over 30,000,000 events, joined by
 * Spark on this machine, beside the platform's own join. Memory and processor time are those of all
 * processes. SPARK_SUBMIT names the command; the values of both must be equal.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sparkEngine } from '#infra/spark/engine.ts';
import { buildJavaModule } from '#infra/stack/java-module.ts';
import { runTrainingSet } from '#infra/training-sets/run-training-set.ts';
import { differingRows } from './support/differing-rows.ts';
import { type TreeUse, watchTree } from './support/process-tree.ts';
import { print } from './support/report.ts';
import { FLIGHTS_TARGET, makeTrainingFiles } from './support/training-flights.ts';

const EVENTS = Number(process.env['EVENTS'] ?? 30_000_000);
const ROWS = Number(process.env['ROWS'] ?? 10_000_000);
const LIMIT_MIB = 4096;

const [which, directory = ''] = process.argv.slice(2);
const outOf = (name: string, of: string): string => join(of, `${name}.parquet`);

const build = async (name: string): Promise<void> => {
  const command = process.env['SPARK_SUBMIT'] ?? 'spark-submit';
  const engine = sparkEngine({ command, jar: () => buildJavaModule(() => {}) });
  await runTrainingSet(
    {
      target: FLIGHTS_TARGET,
      spine: { file: join(directory, 'spine.parquet') },
      out: outOf(name, directory),
      mode: 'event-time',
      overwrite: true,
      sources: { flights: { files: [join(directory, 'raw.parquet')], below: [EVENTS] } },
    },
    { engine: name === 'spark' ? engine : undefined },
  );
};

interface Run extends TreeUse {
  readonly seconds: number;
}

const child = (name: string, made: string): Promise<Run> =>
  new Promise((done, failed) => {
    const started = performance.now();
    const flags = process.execArgv;
    const args = [...flags, fileURLToPath(import.meta.url), name, made];
    const running = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    const use = watchTree(running.pid as number);
    running.once('exit', (code) => {
      const seconds = (performance.now() - started) / 1000;
      const used = use();
      if (code === 0) done({ seconds, ...used });
      else failed(new Error(`${name} ended with ${code}`));
    });
  });

if (which !== undefined) await build(which);
else {
  const made = mkdtempSync(join(tmpdir(), 'millrace-batch-join-'));
  try {
    await makeTrainingFiles(made, EVENTS, ROWS);
    await buildJavaModule(console.error);
    const own = await child('own', made);
    const spark = await child('spark', made);
    const differ = await differingRows(made, outOf('own', made), outOf('spark', made));
    const figure = (what: string, of: Run) => [
      { what: `${what}: time`, ours: `${of.seconds.toFixed(0)} s`, limit: '', goal: '', met: null },
      {
        what: `${what}: processor time`,
        ours: `${of.cpuSeconds.toFixed(0)} s`,
        limit: '',
        goal: '',
        met: null,
      },
      {
        what: `${what}: peak memory of all processes`,
        ours: `${of.peakMiB.toFixed(0)} MiB`,
        limit: `${LIMIT_MIB} MiB`,
        goal: '',
        met: of.peakMiB < LIMIT_MIB,
      },
    ];
    print(
      `Training set: ${ROWS.toLocaleString('en')} rows × 10 windowed features from ${EVENTS.toLocaleString('en')} raw events`,
      [
        ...figure('Spark', spark),
        ...figure('own join', own),
        {
          what: 'rows that differ',
          ours: String(differ),
          limit: '0',
          goal: '',
          met: differ === 0,
        },
      ],
    );
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}
