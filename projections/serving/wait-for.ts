/**
 * `after`: a reader names a position that an answer gave, and is answered from what has taken it in ("read your writes").
 */
import { MillraceError } from '#domain/errors.ts';
import { parseTopicPosition } from '#domain/ports/position.ts';
import type { Position } from '#domain/values/value.ts';

export interface WaitForDependencies {
  /** how far the readers of a topic are, one list a reader; empty where nothing reads it */
  readonly readers: (topic: string) => readonly (readonly Position[])[];
  /** calls back after anything was read; returns the unsubscribe function */
  readonly onProgress: (listener: () => void) => () => void;
  readonly deadlineMs: number;
}

const reached = (reader: readonly Position[], wanted: readonly Position[]): boolean =>
  wanted.every(({ partition, offset }) => (reader.find((p) => p.partition === partition)?.offset ?? 0) >= offset);

export const createWaitFor = ({
  readers,
  onProgress,
  deadlineMs,
}: WaitForDependencies): ((position: string, waitMs?: number) => Promise<void>) => {
  return async (position, waitMs = deadlineMs) => {
    const patienceMs = Math.min(waitMs, deadlineMs);
    const { topic, positions } = parseTopicPosition(position);
    const done = (): boolean => readers(topic).every((reader) => reached(reader, positions));
    if (done()) return;
    await new Promise<void>((resolve, reject) => {
      const unsubscribe = onProgress(() => {
        if (!done()) return;
        clearTimeout(timer);
        unsubscribe();
        resolve();
      });
      const timer = setTimeout(() => {
        unsubscribe();
        reject(
          new MillraceError('MR_POSITION_NOT_REACHED', `position ${position} was not reached in ${patienceMs} ms`, {
            position,
            deadlineMs: patienceMs,
          }),
        );
      }, patienceMs);
    });
  };
};
