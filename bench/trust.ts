/**
 * What checksums, the past of positions and budgets cost: the CPU time of publishing, reading and
 * restarting, of this clone and of others, which take turns.
 *
 *   npm run bench trust [EVENTS] [ROUNDS] [OTHER CLONE …]
 */
import { spawn } from 'node:child_process';
import { loadavg } from 'node:os';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from './support/report.ts';

const [eventsText = '3000000', roundsText = '3', ...others] = process.argv.slice(2);
const rounds = Number(roundsText);
const clones = [fileURLToPath(new URL('..', import.meta.url)), ...others].map((path) =>
  resolve(path),
);
const script = fileURLToPath(new URL('./support/trust-run.ts', import.meta.url));

type Parts = Readonly<Record<string, number>>;

const run = (clone: string): Promise<Parts> =>
  new Promise((done, failed) => {
    const child = spawn(process.execPath, [...process.execArgv, script, clone, eventsText], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    let parts: Parts | null = null;
    child.on('message', (message) => {
      parts = message as Parts;
    });
    child.on('exit', (code) => {
      if (code === 0 && parts !== null) done(parts);
      else failed(new Error(`the run of ${clone} ended with ${code}`));
    });
  });

const results = new Map<string, Parts[]>(clones.map((clone) => [clone, []]));
for (let round = 0; round < rounds; round++)
  for (const clone of clones) {
    results.get(clone)?.push(await run(clone));
    console.log(
      `round ${round + 1} of ${rounds}: ${basename(clone)}, load ${loadavg()[0]?.toFixed(1)}`,
    );
  }
const names = Object.keys(results.get(clones[0] as string)?.[0] ?? {});
const cell = (clone: string, name: string): string => {
  const values = (results.get(clone) ?? []).map((parts) => parts[name] ?? Number.NaN);
  return `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`;
};
console.log(`\nCPU seconds, ${eventsText} events, median of ${rounds} (least to most)`);
console.log(['part', ...clones.map((clone) => basename(clone))].join(' | '));
for (const name of names)
  console.log([name, ...clones.map((clone) => cell(clone, name))].join(' | '));
