/**
 * The promise: a process that is killed while it trims its log loses no event. After each kill, the
 * stored data is undamaged, every acknowledged event can be exported, in order and once, and every
 * value equals the one computed from them.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startEmbedded } from '#infra/profiles/embedded.ts';
import { verifyEmbedded } from '#infra/profiles/embedded-verify.ts';
import { temporaryDirectory } from '#tests/contracts/sqlite.ts';
import { caughtUp, plain } from '#tests/support/platform.ts';
import { definitions, eventAt, SOURCE, USERS, VIEW } from './trim-events.ts';

const caller = { actor: 'test' };
const DELAYS = [30, 70, 150, 260, 400, 900];

const runUntilKilled = async (directory: string, delay: number) => {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'trim-until-killed.ts'), directory],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  while (!/^trimmed [1-9]/m.test(text)) await sleep(5);
  await sleep(delay);
  child.kill('SIGKILL');
  await once(child, 'close');
  const numbers = (word: string): number[] =>
    [...text.matchAll(new RegExp(`^${word} (\\d+)\n`, 'gm'))].map((found) => Number(found[1]));
  return {
    acknowledged: numbers('acknowledged').at(-1) ?? 0,
    trimmed: numbers('trimmed').reduce((a, b) => a + b, 0),
  };
};

test('kills while the log is trimmed lose no event', async () => {
  const directory = temporaryDirectory();
  const open = () =>
    startEmbedded({ dataDirectory: directory.path, historyEveryMs: 0, warn: () => {} });
  try {
    const first = await open();
    await first.registry.apply(plain(...definitions), {}, caller);
    await first.close();
    let trimmed = 0;
    for (const delay of DELAYS) {
      const run = await runUntilKilled(directory.path, delay);
      trimmed += run.trimmed;
      const { damage } = await verifyEmbedded({ dataDirectory: directory.path, deep: true });
      expect(damage).toEqual([]);
      const platform = await open();
      const numbers: unknown[] = [];
      for await (const rows of await platform.publishing.exportEvents(SOURCE))
        numbers.push(...rows.map(({ n }) => n));
      expect(numbers.length).toBeGreaterThanOrEqual(run.acknowledged);
      expect(numbers).toEqual(numbers.map((_, i) => i));
      const { sources } = await platform.operations.status();
      expect(sources[0]?.kept?.events).toBeLessThan(numbers.length);
      await caughtUp(platform);
      const read = await platform.serving.read({
        features: ['clicks', 'total', 'newest'].map((name) => `${VIEW}:${name}`),
        entities: Array.from({ length: USERS }, (_, u) => ({ user: `u${u}` })),
      });
      const wanted = Array.from({ length: USERS }, (_, u) => {
        const mine = numbers.filter((_, i) => eventAt(i).user === `u${u}`) as number[];
        return [mine.length, mine.reduce((a, b) => a + b, 0), mine.at(-1)];
      });
      expect(read.values).toEqual(wanted);
      await platform.close();
    }
    expect(trimmed).toBeGreaterThan(0);
  } finally {
    directory.remove();
  }
});
