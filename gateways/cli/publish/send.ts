/**
 * Sends batches to the server in order, a few of them in flight.
 *
 * A batch starts when the operating system has all of the previous one, so they nearly always
 * arrive in order. If one overtakes another, the server refuses it (MR_PRODUCER_SEQUENCE), and it
 * is sent again after the other. After a refusal that is temporary, as where the server is
 * unreachable, overloaded or closed by an erasure, a batch is repeated until `retryForMs` have
 * passed without any success. The sequence numbers make that safe.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PublishResult } from '#domain/api/publishing.ts';
import { isTemporary, MillraceError } from '#domain/errors.ts';
import type { Batch } from './batch.ts';

interface Sending {
  readonly post: (batch: Batch, onSent: () => void) => Promise<PublishResult>;
  readonly onAnswer: (batch: Batch, result: PublishResult) => void;
  readonly onRetry: (error: MillraceError, inMs: number) => void;
  readonly stopped: () => boolean;
  readonly window: number;
  readonly retryForMs: number;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 3_000;

/** At least as long as the server requests. */
const pauseOf = ({ details }: MillraceError, pause: number): number =>
  typeof details.retryAfterMs === 'number' ? Math.max(pause, details.retryAfterMs) : pause;

export const sendInOrder = async (
  batches: AsyncIterable<Batch>,
  sending: Sending,
): Promise<void> => {
  const { post, onAnswer, onRetry, stopped, window, retryForMs } = sending;
  let lastSuccess = Date.now();

  const deliver = async (
    batch: Batch,
    before: Promise<void>,
    onSent: () => void,
  ): Promise<void> => {
    let overtook = false;
    for (let pause = FIRST_PAUSE_MS; ; ) {
      try {
        const result = await post(batch, onSent);
        lastSuccess = Date.now();
        await before;
        onAnswer(batch, result);
        return;
      } catch (error) {
        onSent();
        if (!(error instanceof MillraceError)) throw error;
        if (error.code === 'MR_PRODUCER_SEQUENCE' && !overtook) {
          overtook = true;
          await before;
        } else if (isTemporary(error) && Date.now() - lastSuccess < retryForMs && !stopped()) {
          const wait = pauseOf(error, pause);
          onRetry(error, wait);
          await sleep(wait);
          pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
          overtook = false;
        } else {
          throw error;
        }
      }
    }
  };

  const inFlight: Promise<void>[] = [];
  let last: Promise<void> = Promise.resolve();
  let sent: Promise<void> = Promise.resolve();
  try {
    for await (const batch of batches) {
      if (stopped()) break;
      if (inFlight.length >= window) await inFlight.shift();
      await sent;
      const before = last;
      sent = new Promise((onSent) => {
        last = deliver(batch, before, onSent);
      });
      // A failure is thrown when this batch is awaited below.
      last.catch(() => undefined);
      inFlight.push(last);
    }
  } catch (error) {
    // Batches before the error in the file are in flight: their results are reported too.
    await Promise.allSettled(inFlight);
    throw error;
  }
  await Promise.all(inFlight);
};
