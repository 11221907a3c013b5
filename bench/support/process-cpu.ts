/** CPU time of other programs, from Linux' /proc. */
import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts it in hundredths of a second. */
const TICKS = 100;

interface Seen {
  readonly parent: number;
  readonly seconds: number;
}

const seenOf = (pid: string): Seen | null => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may have spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      parent: Number(fields[1]),
      seconds: (Number(fields[11]) + Number(fields[12])) / TICKS,
    };
  } catch {
    return null;
  }
};

/** Seconds of a process, and of those that it has started and that still run. */
export const cpuSecondsOf = (root: number): number => {
  const seen = new Map<number, Seen>();
  for (const name of readdirSync('/proc')) {
    const found = /^\d+$/.test(name) ? seenOf(name) : null;
    if (found !== null) seen.set(Number(name), found);
  }
  const isOf = (pid: number): boolean => {
    for (let at = pid; at > 1; at = seen.get(at)?.parent ?? 0) if (at === root) return true;
    return false;
  };
  let sum = 0;
  for (const [pid, { seconds }] of seen) if (isOf(pid)) sum += seconds;
  return sum;
};
