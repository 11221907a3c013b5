/**
 * `after`: a reader names a position that an answer gave, and is answered from what has taken it in
 * ("read your writes"). Positions are the log's, so whichever gateway gave one, any other can be
 * asked for it.
 */
import { MillraceError } from '#domain/errors.ts';
import { formatPosition } from '#domain/ports/log.ts';
import type { TopicPosition } from '#domain/ports/position.ts';
import type { Position } from '#domain/values/value.ts';

export interface WaitForDependencies {
  /** calls back after anything was read; returns the unsubscribe function */
  readonly onProgress: (listener: () => void) => () => void;
  /** a caller may wait for less, never for longer */
  readonly deadlineMs: number;
}

/**
 * How far those that are read from are, one list a reader; empty where nothing that is read depends
 * on the topic.
 */
export type Readers = () => readonly (readonly Position[])[];

/**
 * @throws MR_POSITION_NOT_REACHED past the deadline: `details.reached` is how far the slowest
 * reader is
 */
export type WaitFor = (wanted: TopicPosition, readers: Readers, waitMs?: number) => Promise<void>;

const offsetOf = (reader: readonly Position[], partition: number): number =>
  reader.find((p) => p.partition === partition)?.offset ?? 0;

const isReached = (readers: Readers, { positions }: TopicPosition): boolean =>
  readers().every((reader) =>
    positions.every(({ partition, offset }) => offsetOf(reader, partition) >= offset),
  );

const notReached = (
  readers: Readers,
  { topic, positions }: TopicPosition,
  deadlineMs: number,
): MillraceError => {
  const slowest = positions.map(({ partition }) => ({
    partition,
    offset: Math.min(...readers().map((reader) => offsetOf(reader, partition))),
  }));
  const [position, reached] = [formatPosition(topic, positions), formatPosition(topic, slowest)];
  return new MillraceError(
    'MR_POSITION_NOT_REACHED',
    `position ${position} was not reached in ${deadlineMs} ms: what is read stands at ${reached}`,
    { position, reached, deadlineMs },
  );
};

export const createWaitFor = ({ onProgress, deadlineMs }: WaitForDependencies): WaitFor => {
  return async (wanted, readers, waitMs = deadlineMs) => {
    if (isReached(readers, wanted)) return;
    const retryForMs = Math.min(waitMs, deadlineMs);
    await new Promise<void>((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        unsubscribe();
      };
      /** What is read may be gone by now: who waits is told so. */
      const orFail = (work: () => void): void => {
        try {
          work();
        } catch (error) {
          end();
          reject(error);
        }
      };
      const unsubscribe = onProgress(() =>
        orFail(() => {
          if (!isReached(readers, wanted)) return;
          end();
          resolve();
        }),
      );
      const timer = setTimeout(
        () =>
          orFail(() => {
            throw notReached(readers, wanted, retryForMs);
          }),
        retryForMs,
      );
    });
  };
};
