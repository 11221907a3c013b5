/**
 * Which partitions this member has, and the callbacks in order: a revocation's before the next
 * assignment's, one at a time. No fetch begins before `settled`.
 */
import type { AssignedPartition, StartAt } from '#domain/ports/subscription.ts';

export interface Assignments {
  assign(partitions: readonly AssignedPartition[]): void;
  revoke(): void;
  current(): readonly AssignedPartition[];
  /** Counts up with every change. */
  generation(): number;
  /** The generation whose callbacks are done. @throws what `assigned` threw */
  settled(): Promise<number>;
}

export interface AssignmentCallbacks {
  readonly assigned: (
    partitions: readonly AssignedPartition[],
  ) => Promise<readonly StartAt[] | undefined>;
  readonly revoked: (partitions: readonly AssignedPartition[]) => Promise<void>;
  readonly seek: (at: StartAt) => void;
  readonly onError: (error: unknown) => void;
}

export const createAssignments = ({
  assigned,
  revoked,
  seek,
  onError,
}: AssignmentCallbacks): Assignments => {
  let partitions: readonly AssignedPartition[] = [];
  let generation = 0;
  /** of the present generation: done when its callbacks are */
  let work: Promise<void> = Promise.resolve();

  const revoke = (): void => {
    if (partitions.length === 0) return;
    const lost = partitions;
    partitions = [];
    generation++;
    work = work.catch(() => undefined).then(() => revoked(lost).catch(onError));
  };

  const take = async (mine: readonly AssignedPartition[], number: number): Promise<void> => {
    const starts = await assigned(mine);
    // revoked while the callback ran: its answer no longer applies
    if (number === generation) for (const start of starts ?? []) seek(start);
  };

  return {
    assign(next) {
      revoke();
      partitions = next;
      const number = ++generation;
      if (next.length === 0) return;
      work = work.catch(() => undefined).then(() => take(next, number));
      // reported here as well, for the case that no caller waits in `settled`
      work.catch(onError);
    },
    revoke,
    current: () => partitions,
    generation: () => generation,
    async settled() {
      for (;;) {
        const number = generation;
        const awaited = work;
        try {
          await awaited;
        } catch (error) {
          // the next call runs the callback again
          if (number === generation) work = Promise.resolve().then(() => take(partitions, number));
          work.catch(() => undefined);
          throw error;
        }
        if (number === generation && awaited === work) return number;
      }
    },
  };
};
