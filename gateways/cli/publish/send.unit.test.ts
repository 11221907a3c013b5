/** Batches reach the server in order, once each, whatever it answers meanwhile. */
import { expect, test } from 'vitest';
import type { PublishResult } from '#domain/api/publishing.ts';
import { MillraceError } from '#domain/errors.ts';
import type { Batch } from './batch.ts';
import { sendInOrder } from './send.ts';

const published: PublishResult = {
  accepted: 1,
  duplicates: 0,
  rejected: [],
  position: 'raw.s@0:1',
};
const batches = async function* (): AsyncGenerator<Batch> {
  for (let i = 0; i < 3; i++) yield { sequence: i } as unknown as Batch;
};

const sending = (answers: readonly (MillraceError | null)[]) => {
  const waits: number[] = [];
  const taken: unknown[] = [];
  let asked = 0;
  const sent = sendInOrder(batches(), {
    async post(_, onSent) {
      onSent();
      const answer = answers[asked++] ?? null;
      if (answer !== null) throw answer;
      return published;
    },
    onAnswer: (batch) => void taken.push((batch as unknown as { sequence: number }).sequence),
    onRetry: (_, inMs) => void waits.push(inMs),
    stopped: () => false,
    window: 1,
    retryForMs: 10_000,
  });
  return { sent, waits, taken };
};

test('a key that sends too fast waits as long as it is told, and loses nothing', async () => {
  const { sent, waits, taken } = sending([
    new MillraceError('MR_RATE_LIMITED', 'slower', { retryAfterMs: 310 }),
    new MillraceError('MR_UNAVAILABLE', 'stopping'),
  ]);
  await sent;
  expect(taken).toEqual([0, 1, 2]);
  expect(waits[0]).toBe(310);
  expect(waits.length).toBe(2);
});

test('a quota that is used up ends it', async () => {
  const { sent, taken } = sending([null, new MillraceError('MR_QUOTA_EXCEEDED', 'no more today')]);
  await expect(sent).rejects.toMatchObject({ code: 'MR_QUOTA_EXCEEDED' });
  expect(taken).toEqual([0]);
});
