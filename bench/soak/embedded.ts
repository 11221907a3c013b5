/** The embedded profile: one `millrace serve` in a process of its own, which is all there is to restart. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Rig, Sample, Signal } from './rig.ts';

const MAIN = fileURLToPath(new URL('../../gateways/cli/main.ts', import.meta.url));

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
}

const serve = (directory: string, port: number, grpcPort: number): Promise<Running> =>
  new Promise((resolve, reject) => {
    const args = ['serve', '--data', directory, '--port', String(port), '--grpc-port', String(grpcPort)];
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=16', MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise<void>((done) => child.once('exit', () => done()));
    void ended.then(() => reject(new Error('the server ended before it was ready')));
    child.stdout?.on('data', (chunk) => {
      if (String(chunk).includes('ready')) resolve({ child, ended });
    });
  });

const metric = (text: string, name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);

const sampleOf = async (url: string, pid: number): Promise<Sample | null> => {
  try {
    const [text, files] = await Promise.all([
      fetch(`${url}/metrics`, { signal: AbortSignal.timeout(2_000) }).then((answer) => answer.text()),
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

export const startEmbeddedRig = async (): Promise<Rig> => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-soak-'));
  const [port, grpcPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  let running = await serve(directory, port, grpcPort);
  const stop = async (how: Signal): Promise<void> => {
    running.child.kill(how);
    await running.ended;
  };
  return {
    urls: [url],
    grpc: [`127.0.0.1:${grpcPort}`],
    parts: [
      {
        name: 'server',
        async restart(how) {
          await stop(how);
          running = await serve(directory, port, grpcPort);
        },
      },
    ],
    sample: () => sampleOf(url, running.child.pid ?? 0),
    async close() {
      await stop('SIGTERM');
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
