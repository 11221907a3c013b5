/**
 * The embedded profile: one `millrace serve` in a process of its own, which is the only part to
 * restart.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '#tests/support/free-port.ts';
import type { Part, Rig, Signal } from './rig.ts';
import { sampleOf, serve } from './serve.ts';

export const startEmbeddedRig = async (): Promise<Rig> => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-soak-'));
  const [port, grpcPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const start = () =>
    serve(['--data', directory, '--port', String(port), '--grpc-port', String(grpcPort)]);
  let running = await start();
  const stop = async (how: Signal): Promise<void> => {
    running.child.kill(how);
    await running.ended;
  };
  const parts: readonly Part[] = [
    {
      name: 'server',
      async restart(how) {
        await stop(how);
        running = await start();
      },
    },
  ];
  return {
    atOnce: true,
    pace: {
      batches: 10,
      batch: 20,
      reads: 1,
      restarts: (minutes) => Math.max(2, Math.round(minutes / 3)),
    },
    urls: [url],
    grpc: [`127.0.0.1:${grpcPort}`],
    parts,
    last: parts,
    // An acknowledged event can be read at once.
    computed: async () => undefined,
    sample: () => sampleOf(url, running.child.pid ?? 0),
    async close() {
      await stop('SIGTERM');
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
