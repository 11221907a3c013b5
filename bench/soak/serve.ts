/** A `millrace serve` in a process of its own, and the resources it uses. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Sample } from './rig.ts';

const MAIN = fileURLToPath(new URL('../../gateways/cli/main.ts', import.meta.url));

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
}

export const serve = (options: readonly string[]): Promise<Running> =>
  new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        '--max-semi-space-size=16',
        MAIN,
        'serve',
        ...options,
      ],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const ended = new Promise<void>((done) => child.once('exit', () => done()));
    void ended.then(() => reject(new Error('the server ended before it was ready')));
    child.stdout?.on('data', (chunk) => {
      if (String(chunk).includes('ready')) resolve({ child, ended });
    });
  });

const metric = (text: string, name: string): number =>
  Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);

export const sampleOf = async (url: string, pid: number): Promise<Sample | null> => {
  try {
    const [text, files] = await Promise.all([
      fetch(`${url}/metrics`, { signal: AbortSignal.timeout(2_000) }).then((answer) =>
        answer.text(),
      ),
      readdir(`/proc/${pid}/fd`),
    ]);
    return {
      rssBytes: metric(text, 'process_resident_memory_bytes'),
      heapBytes: metric(text, 'nodejs_heap_size_used_bytes'),
      files: files.length,
      handles: metric(text, 'nodejs_active_handles_total'),
    };
  } catch {
    return null;
  }
};
