/**
 * The promise: a process that is killed at any point of a save leaves a state that can be used, and
 * with the updates after it, it is what the events make.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { loadMissing } from '#infra/embedded-engine/rebuild-tiles.ts';
import { verifyStates } from '#infra/embedded-engine/snapshots.ts';
import { fromEvents, openWorld, PLATFORM, tilesOf } from './world.ts';

const child = fileURLToPath(new URL('./save-until-killed.ts', import.meta.url));
/** ms after its start */
const DELAYS = [60, 150, 237, 341, 20, 402, 118, 289];

/** @returns events that are durable */
const runUntilKilled = async (
  directory: string,
  progress: string,
  from: number,
  delay: number,
): Promise<number> => {
  const running = spawn(process.execPath, [child, directory, progress, String(from)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(running, 'exit');
  await once(running.stdout, 'data');
  await sleep(delay);
  running.kill('SIGKILL');
  await ended;
  return Number(readFileSync(progress, 'utf8'));
};

test('a state that is saved until the process is killed is right, with the updates after it', async () => {
  const root = mkdtempSync(join(tmpdir(), 'millrace-states-'));
  const [directory, progress] = [join(root, 'state'), join(root, 'progress')];
  let [events, amidSaves, saved] = [0, 0, 0];
  const warnings: string[] = [];
  try {
    for (const delay of DELAYS) {
      events = await runUntilKilled(directory, progress, events, delay);
      const names = readdirSync(directory);
      const flaws = await verifyStates(directory, PLATFORM, () => Number.MAX_SAFE_INTEGER);
      expect(flaws.filter(({ why }) => why !== null)).toEqual([]);
      const world = await openWorld(directory, events, (message) => void warnings.push(message));
      if (readdirSync(directory).length < names.length) amidSaves++;
      saved = Math.max(saved, world.tiles.savedOffset);
      await loadMissing(world.tiles.store);
      expect(tilesOf(world.tiles.store)).toEqual(tilesOf(fromEvents(events).store));
    }
    expect(warnings).toEqual([]);
    expect(saved).toBeGreaterThan(0);
    expect(amidSaves).toBeGreaterThan(0);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
