/**
 * Numbered producers at a steady rate. Each sends its batches in order, and sends a batch again
 * until it is acknowledged.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Http } from './http.ts';
import type { Watch } from './watch.ts';
import type { Tick, Truth } from './world.ts';

const RETRY_MS = 100;

export interface Acknowledged {
  readonly position: string;
  readonly ticks: readonly Tick[];
}

interface Producer {
  /** the newest batch that was acknowledged */
  readonly newest: () => Acknowledged | null;
  readonly sent: () => number;
  readonly stop: () => Promise<void>;
}

interface Answer {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly unknown[];
  readonly position: string;
}

interface ProducerOptions {
  readonly http: Http;
  readonly watch: Watch;
  readonly truth: Truth;
  readonly share: number;
  readonly shares: number;
  readonly everyMs: number;
  readonly batch: number;
}

export const startProducer = ({
  http,
  watch,
  truth,
  share,
  shares,
  everyMs,
  batch,
}: ProducerOptions): Producer => {
  let running = true;
  let sequence = 0;
  let newest: Acknowledged | null = null;
  const id = `soak-${share}`;

  const publish = async (ticks: readonly Tick[], due: number): Promise<void> => {
    for (let tried = 0; ; tried++) {
      const answer = await watch.operation('publish', tried === 0 ? due : performance.now(), () =>
        http.post<Answer>(
          '/v1/sources/ticks/events',
          { events: ticks },
          {
            'millrace-producer': id,
            'millrace-sequence': String(sequence),
          },
        ),
      );
      if (answer === null) {
        await sleep(RETRY_MS);
        continue;
      }
      const { accepted, duplicates, rejected, position } = answer;
      const taken = accepted + duplicates;
      if (rejected.length > 0 || taken !== ticks.length || (tried === 0 && duplicates > 0))
        watch.fail(
          `publish of ${ticks.length} at ${sequence}, try ${tried}: ${JSON.stringify(answer).slice(0, 300)}`,
        );
      truth.acknowledge(ticks);
      newest = { position, ticks };
      sequence += ticks.length;
      return;
    }
  };
  const done = (async () => {
    let due = performance.now();
    while (running) {
      const wait = due - performance.now();
      if (wait > 0) await sleep(wait);
      await publish(truth.draw(share, shares, batch), Math.max(due, performance.now() - everyMs));
      // Batches that were missed while the server was away are not made up for: the rate is steady.
      due = Math.max(due + everyMs, performance.now() - everyMs);
    }
  })();
  return {
    newest: () => newest,
    sent: () => sequence,
    async stop() {
      running = false;
      await done;
    },
  };
};
