/**
 * Nudges topics that have gone quiet. How far a job has read is known from the offsets that it
 * commits to Kafka after a checkpoint. Flink's source commits them between two of its polls, and a
 * poll of a topic without new records lasts 10 s (`KafkaPartitionSplitReader.POLL_TIMEOUT`),
 * whatever checkpoints complete meanwhile. So the last events before a quiet period would be
 * computed, but not known to be for 10 s. A nudge ends the poll.
 */
export interface Reading {
  readonly topic: string;
  /** unique among readings */
  readonly id: string;
  /** a sum of offsets: how much is known to be computed */
  readonly computed: number;
  /** records that are not known to be computed */
  readonly lag: number;
}

interface Waiting {
  computed: number;
  since: number;
  pauseMs: number;
}

/** One checkpoint a second, and some time to complete it. */
const FIRST_MS = 1_200;
const LONGEST_MS = 30_000;

/**
 * @returns the topics to nudge now, each once; a job that makes no progress is nudged at growing
 * intervals
 */
export const createQuietTopics = (): ((
  readings: readonly Reading[],
  now: number,
) => readonly string[]) => {
  const waiting = new Map<string, Waiting>();
  return (readings, now) => {
    const due = new Set<string>();
    const ids = new Set(readings.map(({ id }) => id));
    for (const id of waiting.keys()) if (!ids.has(id)) waiting.delete(id);
    for (const { topic, id, computed, lag } of readings) {
      const known = waiting.get(id);
      if (lag === 0) waiting.delete(id);
      else if (known === undefined || known.computed !== computed)
        waiting.set(id, { computed, since: now, pauseMs: FIRST_MS });
      else if (now - known.since >= known.pauseMs) {
        due.add(topic);
        known.since = now;
        known.pauseMs = Math.min(known.pauseMs * 1.5, LONGEST_MS);
      }
    }
    return [...due];
  };
};
