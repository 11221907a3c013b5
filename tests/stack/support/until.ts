import { setTimeout as sleep } from 'node:timers/promises';

export const until = async (
  what: string,
  condition: () => Promise<boolean> | boolean,
  deadlineMs = 60_000,
): Promise<void> => {
  for (const deadline = Date.now() + deadlineMs; ; await sleep(100)) {
    if (await condition()) return;
    if (Date.now() > deadline) throw new Error(`not within ${deadlineMs / 1000} s: ${what}`);
  }
};
