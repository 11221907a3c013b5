/**
 * One run of `bench trust`, in a process of its own, over the code of one clone: publishes flights,
 * reads them, and starts again. Sends the CPU seconds of each part (user and system, of the process
 * and its threads).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Platform } from '#domain/api/platform.ts';

const [clone = '', eventsText = '3000000'] = process.argv.slice(2);
const events = Number(eventsText);
const of = (path: string): string => pathToFileURL(join(clone, path)).href;
const { startEmbedded } = (await import(of('infra/profiles/embedded.ts'))) as {
  startEmbedded(options: object): Promise<Platform>;
};
const { flightBatches } = (await import(of('bench/support/flights.ts'))) as {
  flightBatches(events: number, size: number): AsyncIterable<Record<string, unknown>[]>;
};
const { exampleDefinitions } = (await import(of('bench/support/platform.ts'))) as {
  exampleDefinitions(): Parameters<Platform['registry']['apply']>[0];
};

const caller = { actor: 'bench' };
const directory = mkdtempSync(join(tmpdir(), 'millrace-trust-'));
const open = (): Promise<Platform> =>
  startEmbedded({ dataDirectory: directory, historyEveryMs: 5_000, keepLogMs: null });

const parts: Record<string, number> = {};
const measured = async (part: string, work: () => Promise<void>): Promise<void> => {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  parts[part] = (user + system) / 1e6;
};

try {
  let platform = await open();
  await platform.registry.apply(exampleDefinitions(), { reason: 'bench' }, caller);
  const newest: Record<string, unknown>[] = [];
  await measured('publish', async () => {
    for await (const batch of flightBatches(events, 20_000)) {
      await platform.publishing.publish({ source: 'flights', events: batch as never }, caller);
      newest.splice(0, newest.length, ...batch.slice(0, 100));
    }
  });
  // The history takes the rest.
  for (;;) {
    const { sources } = await platform.operations.status();
    if (sources.every(({ position, historyPosition }) => position === historyPosition)) break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const entities = newest.map(({ origin }) => ({ origin: origin as string }));
  const features = ['airport_delays:departures_1h', 'airport_delays:delay_stddev_7d'];
  await measured('100,000 online reads', async () => {
    for (let i = 0; i < 100_000; i++)
      await platform.serving.read({
        features,
        entities: [entities[i % entities.length] as { origin: string }],
      });
  });
  const past = Date.now() - 1;
  const pastRead = async (i: number): Promise<void> => {
    await platform.serving.read({
      features,
      entities: [entities[i % entities.length] as { origin: string }],
      known: past,
    });
  };
  await measured('first past read', () => pastRead(0));
  await measured('10 further past reads', async () => {
    for (let i = 1; i <= 10; i++) await pastRead(i);
  });
  await platform.close();
  await measured('restart, one read', async () => {
    platform = await open();
    await platform.serving.read({ features, entities: entities.slice(0, 1) });
  });
  await measured('first past read after it', () => pastRead(0));
  await platform.close();
  process.send?.(parts);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
