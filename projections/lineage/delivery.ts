/**
 * Sends the events of topic `lineage` to the receiver: one after the other, in order, each at least
 * once. The position is kept on the log, so a crash repeats a few events and skips none; a repeated
 * event has the same run id and time. A receiver that does not answer is tried again at growing
 * intervals; meanwhile events stay on the log and nothing else waits.
 */
import { messageOf } from '#domain/error-message.ts';
import type { LineageTransport } from '#domain/ports/lineage.ts';
import type { Log } from '#domain/ports/log.ts';
import { LINEAGE_TOPIC } from '#domain/ports/topics.ts';
import type { LineageLog, LineageRecord } from './lineage-log.ts';

const LINEAGE_CONSUMER = 'openlineage';
const READ_BYTES = 256 * 1024;
/** Events that other processes append are not announced, so the topic is polled. */
const POLL_MS = 1_000;
const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 30_000;
/** A receiver that stays unavailable is reported this often. */
const WARN_EVERY_MS = 600_000;

export interface DeliveryStats {
  readonly delivered: number;
  readonly refused: number;
  /** events not yet delivered */
  readonly lag: number;
  readonly failing: boolean;
}

export interface Delivery {
  readonly stats: () => Promise<DeliveryStats>;
  readonly close: () => Promise<void>;
}

export interface DeliveryDependencies {
  readonly log: Log;
  readonly lineage: LineageLog;
  readonly transport: LineageTransport;
  /** of several processes, whether this one delivers */
  readonly leads: () => boolean;
  readonly warn: (message: string) => void;
  readonly now: () => number;
  /** 0 to 1 */
  readonly random: () => number;
}

export const startDelivery = ({
  log,
  lineage,
  transport,
  leads,
  warn,
  now,
  random,
}: DeliveryDependencies): Delivery => {
  const abort = new AbortController();
  const committed = async (): Promise<number> =>
    (await log.committed(LINEAGE_CONSUMER, LINEAGE_TOPIC))[0] ?? 0;
  let [delivered, refused, failing] = [0, 0, false];
  let warnedAt = Number.NEGATIVE_INFINITY;
  let wake: (() => void) | null = null;

  const pause = (ms: number): Promise<void> =>
    new Promise((done) => {
      if (abort.signal.aborted) return done();
      const timer = setTimeout(() => wake?.(), ms);
      timer.unref();
      wake = () => {
        clearTimeout(timer);
        wake = null;
        done();
      };
    });
  const unsubscribe = log.onAppend((topics) => {
    if (!failing && topics.has(LINEAGE_TOPIC)) wake?.();
  });

  const failed = (reason: string): void => {
    failing = true;
    if (now() - warnedAt < WARN_EVERY_MS) return;
    warnedAt = now();
    warn(
      `OpenLineage events cannot be delivered to ${transport.to} and wait on the log: ${reason}`,
    );
  };
  const recovered = (): void => {
    if (failing) warn(`OpenLineage events are delivered to ${transport.to} again`);
    failing = false;
    warnedAt = Number.NEGATIVE_INFINITY;
  };

  /** @returns the offset of the first that was not delivered; the records' end where all were */
  const send = async (records: readonly LineageRecord[], from: number): Promise<number> => {
    let next = from;
    for (const { offset, event } of records) {
      const sent = await transport.send(event, abort.signal);
      if (abort.signal.aborted && sent.outcome !== 'delivered') return next;
      if (sent.outcome === 'unavailable') {
        failed(sent.reason);
        return next;
      }
      recovered();
      if (sent.outcome === 'refused') {
        refused++;
        warn(
          `OpenLineage event ${LINEAGE_TOPIC}@0:${offset} was refused by ${transport.to} and is left out: ${sent.reason}`,
        );
      } else delivered++;
      next = offset + 1;
    }
    return next;
  };

  const run = async (): Promise<void> => {
    let position: number | null = null;
    let wait = FIRST_PAUSE_MS;
    while (!abort.signal.aborted) {
      if (!leads()) {
        position = null;
        await pause(POLL_MS);
        continue;
      }
      try {
        // An earlier leader may have come further than this process.
        position ??= await committed();
        const records = await lineage.read(position, READ_BYTES);
        if (records.length === 0) {
          if (failing) recovered();
          await pause(POLL_MS);
          continue;
        }
        const next = await send(records, position);
        if (next > position)
          await log.append({
            records: [],
            positions: [
              { consumer: LINEAGE_CONSUMER, topic: LINEAGE_TOPIC, partition: 0, offset: next },
            ],
          });
        position = next;
      } catch (error) {
        failed(messageOf(error));
      }
      if (!failing) wait = FIRST_PAUSE_MS;
      else if (!abort.signal.aborted) {
        await pause(wait * (0.5 + random() / 2));
        wait = Math.min(MAX_PAUSE_MS, wait * 2);
      }
    }
  };
  const running = run();

  return {
    async stats() {
      const [end, position] = await Promise.all([lineage.end(), committed()]);
      return { delivered, refused, failing, lag: Math.max(0, end - position) };
    },
    async close() {
      unsubscribe();
      abort.abort();
      wake?.();
      await running;
      await transport.close();
    },
  };
};
