/**
 * `after`: a read waits until a position from an earlier answer is included in its values ("read
 * your writes"). Positions are those of the log, so a position from one gateway is valid at every
 * other.
 */
import { MillraceError } from '#domain/errors.ts';
import { formatPosition } from '#domain/ports/log.ts';
import type { TopicPosition } from '#domain/ports/position.ts';
import { durationText } from '#domain/values/duration.ts';
import type { Position } from '#domain/values/value.ts';

interface WaitForDependencies {
  /** calls back when positions have moved; returns the function that ends the subscription */
  readonly onProgress: (listener: () => void) => () => void;
  /** the longest wait, ms */
  readonly deadlineMs: number;
}

/** The positions of everything that is read, one list each; empty: none of it reads the topic. */
export type Readers = () => readonly (readonly Position[])[];

/** @throws MR_POSITION_NOT_REACHED after the deadline; `details.reached`: the slowest position */
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
    `position ${position} was not reached in ${durationText(deadlineMs)}: what is read is at ${reached}`,
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
      /** `readers` throws where a view of the read was retired: the wait ends with that error. */
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
