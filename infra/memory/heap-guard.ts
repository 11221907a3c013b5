/**
 * Says when the heap is almost full of what is in use. A measurement of the heap also counts
 * garbage, so above the mark the guard collects garbage before it decides. It does so again only
 * after the heap has grown by a step, so that collections stay rare, and now and then while memory
 * is low, because then little may be allocated that would make the heap collect by itself.
 *
 * Numbers of tiles are outside the heap. The machine or its container needs room for them.
 */
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** The part of the heap that has what lives long (V8's old generation). */
export interface Heap {
  /** bytes, garbage included */
  readonly used: () => number;
  /** bytes: with more in use, V8 ends the process */
  readonly limit: number;
  readonly collect: () => void;
}

export interface HeapGuard {
  readonly low: () => boolean;
  readonly stop: () => void;
}

/** Parts of the limit: low above the first, and no longer low below the second. */
const HIGH = 0.8;
const ENOUGH = 0.75;
const STEP = 0.05;
const LOOK_MS = 100;
/** While memory is low, garbage is collected at most so often. */
const LOW_LOOKS = 100;

/** V8's limit is of both generations. The young one has three parts of at most 64 MiB. */
const YOUNG_BYTES = 3 * 64 * 1024 * 1024;
const YOUNG: ReadonlySet<string> = new Set(['new_space', 'new_large_object_space']);

export const processHeap = (): Heap => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const { heap_size_limit: both } = getHeapStatistics();
  return {
    used: () =>
      getHeapSpaceStatistics().reduce(
        (sum, { space_name: name, space_used_size: used }) => (YOUNG.has(name) ? sum : sum + used),
        0,
      ),
    limit: Math.max(both - YOUNG_BYTES, both / 4),
    collect,
  };
};

/** The decisions of the guard: `look` is called again and again. */
export const createHeapGuard = ({ used, limit, collect }: Heap) => {
  let low = false;
  /** bytes after the last collection */
  let live = 0;
  let looks = 0;
  const measure = (): void => {
    looks = 0;
    collect();
    live = used();
    low = live > limit * (low ? ENOUGH : HIGH);
  };
  return {
    low: () => low,
    look(): void {
      looks++;
      const now = used();
      if (low) {
        // Garbage included, so it is certain.
        if (now < limit * ENOUGH) low = false;
        else if (looks >= LOW_LOOKS) measure();
      } else if (now > limit * HIGH && now > live + limit * STEP) measure();
      else if (now < live) live = now;
    },
  };
};

export const watchHeap = (heap: Heap): HeapGuard => {
  const guard = createHeapGuard(heap);
  const timer = setInterval(guard.look, LOOK_MS);
  timer.unref();
  return { low: guard.low, stop: () => clearInterval(timer) };
};
