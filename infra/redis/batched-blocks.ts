/**
 * Reads that come in one turn of the event loop are sent to Redis together: one MGET a generation,
 * `ready` first. The requests share the cost of the command, and each still gets blocks and `ready`
 * of the same moment.
 */
import type { Redis } from 'ioredis';
import type { TilesTarget } from '#domain/ports/online-store.ts';

/** A read's blocks are those from `from` on, in the order of its keys. */
export interface Blocks {
  readonly ready: boolean;
  readonly blocks: readonly (Buffer | null)[];
  readonly from: number;
}

interface Batch {
  readonly target: TilesTarget;
  readonly keys: string[];
  readonly answer: Promise<readonly (Buffer | null)[]>;
}

/** A command of more keys would delay the others for too long. */
const MOST_KEYS = 512;

export const batchedBlocks = (
  redis: Pick<Redis, 'mgetBuffer'>,
  readyKey: (target: TilesTarget) => string,
  entityPrefix: (target: TilesTarget) => string,
): ((target: TilesTarget, keys: readonly string[]) => Promise<Blocks>) => {
  let gathering: Batch[] = [];

  const open = (target: TilesTarget): Batch => {
    const keys: string[] = [readyKey(target)];
    const batch: Batch = {
      target,
      keys,
      answer: new Promise((resolve, reject) => {
        setImmediate(() => {
          gathering = gathering.filter((one) => one !== batch);
          redis.mgetBuffer(keys).then(resolve, reject);
        });
      }),
    };
    gathering.push(batch);
    return batch;
  };

  return async (target, keys) => {
    const found = gathering.find(
      (one) =>
        one.target.generation === target.generation &&
        one.target.plan === target.plan &&
        one.keys.length + keys.length <= MOST_KEYS,
    );
    const batch = found ?? open(target);
    const from = batch.keys.length;
    const prefix = entityPrefix(target);
    for (let i = 0; i < keys.length; i++) batch.keys.push(prefix + (keys[i] as string));
    const blocks = await batch.answer;
    return { ready: blocks[0] !== null, blocks, from };
  };
};
