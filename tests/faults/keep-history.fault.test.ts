/**
 * The promise: a process that is killed while it deletes history loses nothing else. After each
 * kill, the stored data is undamaged; the events that are left are the newest ones, without a gap,
 * and begin where the horizon says; and values that count deleted events are right, also when the
 * saved states are lost.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startEmbedded } from '#infra/profiles/embedded.ts';
import { verifyEmbedded } from '#infra/profiles/embedded-verify.ts';
import { temporaryDirectory } from '#tests/contracts/sqlite.ts';
import { caughtUp, plain } from '#tests/support/platform.ts';
import {
  clockAt,
  definitions,
  eventAt,
  HOUR,
  PRODUCER,
  SOURCE,
  USERS,
  VIEW,
} from './keep-history-events.ts';

const caller = { actor: 'test' };
const DELAYS = [20, 90, 240, 500];

const runUntilKilled = async (
  directory: string,
  accepted: number,
  delay: number,
): Promise<number> => {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'keep-history-until-killed.ts'), directory, String(accepted)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  const horizons = (): Set<string> =>
    new Set([...text.matchAll(/^begins ([1-9]\d*)$/gm)].map((found) => found[1] as string));
  // So something is deleted in this run.
  while (horizons().size < 2) {
    expect(child.exitCode, text).toBeNull();
    await sleep(5);
  }
  await sleep(delay);
  child.kill('SIGKILL');
  await once(child, 'close');
  return Number([...text.matchAll(/^acknowledged (\d+)\n/gm)].at(-1)?.[1] ?? 0);
};

test('kills while history is deleted lose nothing else', async () => {
  const directory = temporaryDirectory();
  let accepted = 0;
  const open = () =>
    startEmbedded({
      dataDirectory: directory.path,
      now: () => clockAt(accepted),
      historyEveryMs: 0,
      warn: () => {},
    });
  try {
    const first = await open();
    await first.registry.apply(plain(...definitions), {}, caller);
    await first.close();
    for (const [i, delay] of DELAYS.entries()) {
      const acknowledged = await runUntilKilled(directory.path, accepted, delay);
      const { damage } = await verifyEmbedded({ dataDirectory: directory.path, deep: true });
      expect(damage).toEqual([]);
      if (i % 2 === 1) {
        const states = join(directory.path, 'state');
        for (const name of readdirSync(states)) rmSync(join(states, name));
      }
      accepted = Math.max(accepted, acknowledged);
      const platform = await open();
      const sent = await platform.publishing.producerSequence(SOURCE, PRODUCER);
      expect(sent).toBeGreaterThanOrEqual(acknowledged);
      accepted = sent;
      const left: number[] = [];
      for await (const rows of await platform.publishing.exportEvents(SOURCE))
        left.push(...rows.map(({ n }) => n as number));
      const [source] = (await platform.operations.status()).sources;
      const begin = left[0] as number;
      expect(begin).toBeGreaterThan(0);
      expect(left).toEqual(Array.from({ length: sent - begin }, (_, k) => begin + k));
      expect(source?.historyHorizon).toBe(eventAt(begin - 1).at + 1);
      expect(source?.historyRows).toBeLessThanOrEqual(left.length);
      // Nothing younger is deleted.
      expect(clockAt(sent) - eventAt(begin).at).toBeGreaterThanOrEqual(72 * HOUR);

      await caughtUp(platform);
      const read = await platform.serving.read({
        features: ['clicks', 'total'].map((name) => `${VIEW}:${name}`),
        entities: Array.from({ length: USERS }, (_, u) => ({ user: `u${u}` })),
      });
      const all = Array.from({ length: sent }, (_, n) => n);
      expect(read.values).toEqual(
        Array.from({ length: USERS }, (_, u) => {
          const mine = all.filter((n) => eventAt(n).user === `u${u}`);
          return [mine.length, mine.reduce((a, b) => a + b, 0)];
        }),
      );
      await expect(
        platform.serving.read({
          features: [`${VIEW}:clicks`],
          entities: [{ user: 'u0' }],
          at: eventAt(begin).at,
        }),
      ).rejects.toMatchObject({ code: 'MR_HISTORY_TRIMMED', details: { source: SOURCE } });
      await platform.close();
    }
  } finally {
    directory.remove();
  }
});
