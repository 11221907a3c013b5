/**
 * The CPU time of reading files: `publish` of CSV and Parquet, without the server, and data sets
 * over spines of both formats, without events. Each run is a process of its own. Clones take turns,
 * because on a shared machine rounds differ more than versions do.
 *
 *   npm run bench files [ROWS] [ROUNDS] [OTHER CLONE …]
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startSink } from './support/publish-sink.ts';
import { median } from './support/report.ts';
import { FILE_PATHS, type FilePath, fileOf, makeRowFiles } from './support/row-files.ts';

const [rowsText = '1000000', roundsText = '3', ...others] = process.argv.slice(2);
const [rows, rounds] = [Number(rowsText), Number(roundsText)];
const clones = [fileURLToPath(new URL('..', import.meta.url)), ...others].map((path) =>
  resolve(path),
);
const only = process.env['ONLY'];
const paths = FILE_PATHS.filter((path) => only === undefined || path.includes(only));

interface Usage {
  readonly cpuSeconds: number;
  readonly peakMiB: number;
}

/** Not `spawnSync`: the server is in this process. */
const run = (clone: string, path: FilePath, directory: string, url: string): Promise<Usage> =>
  new Promise((done, failed) => {
    const child = spawn(
      process.execPath,
      [
        ...process.execArgv,
        fileURLToPath(new URL('./support/files-run.ts', import.meta.url)),
        clone,
        path,
        directory,
        url,
      ],
      { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] },
    );
    let usage: Usage | null = null;
    let errors = '';
    child.stderr?.on('data', (data) => {
      errors += String(data);
    });
    child.on('message', (message) => {
      usage = message as Usage;
    });
    child.on('exit', (code) => {
      if (code === 0 && usage !== null) done(usage);
      else failed(new Error(`${path} of ${clone} ended with ${code}: ${errors}`));
    });
  });

const spread = (values: readonly number[]): string =>
  `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`;

const directory = mkdtempSync(join(tmpdir(), 'millrace-files-'));
const sink = await startSink();
try {
  await makeRowFiles(directory, rows);
  const runs = new Map<string, Usage[]>();
  for (let round = 0; round < rounds; round++) {
    for (const path of paths) {
      for (const clone of clones) {
        sink.reset();
        const usage = await run(clone, path, directory, sink.url);
        if (path.startsWith('publish') && sink.events() !== rows)
          throw new Error(`${path} of ${clone} sent ${sink.events()} of ${rows} events`);
        rmSync(fileOf(directory, path).out, { force: true });
        const key = `${path} ${clone}`;
        runs.set(key, [...(runs.get(key) ?? []), usage]);
      }
    }
  }
  console.log(
    `\nfiles of ${rows.toLocaleString('en')} rows, CPU seconds (user and system), medians of ${rounds} rounds  (${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version})`,
  );
  for (const path of paths) {
    for (const clone of clones) {
      const all = runs.get(`${path} ${clone}`) as Usage[];
      const cpu = spread(all.map(({ cpuSeconds }) => cpuSeconds));
      const peak = median(all.map(({ peakMiB }) => peakMiB)).toFixed(0);
      console.log(`${path.padEnd(26)} ${basename(clone).padEnd(14)} ${cpu}, peak ${peak} MiB`);
    }
  }
} finally {
  await sink.close();
  rmSync(directory, { recursive: true, force: true });
}
