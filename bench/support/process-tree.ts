/** Memory and processor time of a process with all that it starts, from /proc. */
import { readdirSync, readFileSync } from 'node:fs';

export interface TreeUse {
  readonly peakMiB: number;
  readonly cpuSeconds: number;
}

interface Found {
  readonly pid: number;
  readonly parent: number;
  readonly cpuTicks: number;
  readonly pages: number;
}

const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
const EVERY_MS = 100;

const found = (pid: number): Found | null => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // After the name, which may have spaces: state, parent, …, utime (11), stime, …, rss (21).
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [, parent = 0] = fields;
    const cpuTicks = (fields[11] ?? 0) + (fields[12] ?? 0);
    return { pid, parent, cpuTicks, pages: fields[21] ?? 0 };
  } catch {
    return null;
  }
};

/** @returns to be called at the end */
export const watchTree = (root: number): (() => TreeUse) => {
  const ticks = new Map<number, number>();
  let peak = 0;
  const look = (): void => {
    const all = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => found(Number(name)) ?? []);
    const tree = new Set([root]);
    for (let size = 0; size !== tree.size; ) {
      size = tree.size;
      for (const { pid, parent } of all) if (tree.has(parent)) tree.add(pid);
    }
    const mine = all.filter(({ pid }) => tree.has(pid));
    for (const { pid, cpuTicks } of mine) ticks.set(pid, cpuTicks);
    peak = Math.max(
      peak,
      mine.reduce((sum, { pages }) => sum + pages, 0),
    );
  };
  const timer = setInterval(look, EVERY_MS);
  return () => {
    clearInterval(timer);
    const all = [...ticks.values()].reduce((sum, n) => sum + n, 0);
    return {
      peakMiB: (peak * PAGE_BYTES) / 2 ** 20,
      cpuSeconds: all / TICKS_PER_SECOND,
    };
  };
};
