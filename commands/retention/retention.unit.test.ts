/** Retention waits for the generations that do not run yet. */
import { expect, test } from 'vitest';
import { openRetention } from './retention.ts';

test('nothing is trimmed while wanted generations are not open', async () => {
  let isCurrent = false;
  let looked = 0;
  const look = async (): Promise<never[]> => {
    looked++;
    return [];
  };
  const unused = (): never => expect.unreachable();
  const retention = openRetention({
    log: {
      topics: look,
      kept: unused,
      keptOffsetsAt: unused,
      trim: unused,
      setHorizon: unused,
    },
    history: { endOffsets: unused, count: unused, trim: unused, horizon: unused },
    running: () => [],
    isCurrent: () => isCurrent,
    now: () => 0,
    keepMs: 0,
    warn: unused,
  });
  await retention.trim();
  expect(looked).toBe(0);
  isCurrent = true;
  await retention.trim();
  expect(looked).toBeGreaterThan(0);
  await retention.stop();
});
