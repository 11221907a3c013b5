/**
 * Ids of runs. They follow from what the run is, so that whoever tells of it again, after a crash
 * or in another process, tells of the same run; and they begin with its time (UUID version 7, RFC
 * 9562), as OpenLineage asks, so that receivers' indices grow at their end.
 */
import { createHash } from 'node:crypto';

/** @param time when the run began, epoch ms @param seed what no other run has */
export const runIdOf = (time: number, seed: string): string => {
  const hash = createHash('sha256').update(seed).digest('hex');
  const stamp = Math.max(0, Math.floor(time)).toString(16).padStart(12, '0').slice(-12);
  const variant = ((Number.parseInt(hash.slice(3, 4), 16) & 0x3) | 0x8).toString(16);
  return `${stamp.slice(0, 8)}-${stamp.slice(8)}-7${hash.slice(0, 3)}-${variant}${hash.slice(4, 7)}-${hash.slice(7, 19)}`;
};
