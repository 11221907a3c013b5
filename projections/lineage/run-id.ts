/**
 * Ids of runs. They are derived from what the run is, so that events emitted again, after a crash
 * or by another process, have the same run id. They begin with the run's time (UUID version 7, RFC
 * 9562), as OpenLineage recommends, so that a receiver's index grows at its end.
 */
import { createHash } from 'node:crypto';

/** @param time when the run began, epoch ms @param seed what no other run has */
export const runIdOf = (time: number, seed: string): string => {
  const hash = createHash('sha256').update(seed).digest('hex');
  const stamp = Math.max(0, Math.floor(time)).toString(16).padStart(12, '0').slice(-12);
  const variant = ((Number.parseInt(hash.slice(3, 4), 16) & 0x3) | 0x8).toString(16);
  return `${stamp.slice(0, 8)}-${stamp.slice(8)}-7${hash.slice(0, 3)}-${variant}${hash.slice(4, 7)}-${hash.slice(7, 19)}`;
};
