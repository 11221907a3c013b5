/**
 * The first generation of a view, until Flink has filled it: raw events answer for it, so that a
 * new view can be read before its job runs.
 *
 *     filling: raw events answer; the positions are the log's ends
 *     live, no event computed: as before, because jobs that have just started take seconds for
 *         their first event, and the source may have none to show that they work
 *     live: raw events go on to answer, until the tiles have what the log had at that moment
 *     after that: the tiles answer
 *
 * So no read from tiles lacks an event of a position that was reported before.
 */
import { NOT_DEGRADED } from '#domain/ports/degraded.ts';
import { formatPosition } from '#domain/ports/log.ts';
import type { ServedView } from '#domain/ports/served-view.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import { covers } from './durable-progress.ts';

interface FoldedViewOptions {
  /** as its tiles answer */
  readonly served: ServedView;
  /** next offsets of the raw topic at the last poll; empty: not known yet */
  readonly ends: () => readonly number[];
  /** next raw offsets that the tiles have */
  readonly visible: () => readonly number[];
  /** called with the number of rows for which raw events answer */
  readonly onFolded: (rows: number) => void;
}

export interface FoldedView {
  readonly served: ServedView;
  /** The generation is live. */
  readonly promoted: () => void;
  /** whether the tiles have what reads may have been told of; to be asked at each poll */
  readonly isOver: () => boolean;
}

export const foldedView = ({ served, ends, visible, onFolded }: FoldedViewOptions): FoldedView => {
  const topic = rawTopic(served.plan.source);
  let isLive = false;
  /** the log's ends when it was live and had computed an event */
  let endsThen: readonly number[] | null = null;
  let over = false;
  const positions: ServedView['positions'] = () =>
    (endsThen ?? ends()).map((offset, partition) => ({ partition, offset }));
  /** The log had no event at the last poll. */
  const tilesHaveAll = (): boolean => isLive && ends().every((end) => end === 0);
  return {
    served: {
      ...served,
      async fetch(keys, at) {
        if (tilesHaveAll() && served.fetch !== undefined) return served.fetch(keys, at);
        onFolded(keys.length);
        return { degraded: NOT_DEGRADED, read: () => 'needs-history', newest: () => null };
      },
      positions,
      position: () => formatPosition(topic, positions()),
      completeThrough: (now) => (tilesHaveAll() ? served.completeThrough(now) : now),
      // The values do not depend on the job.
      degraded: () => NOT_DEGRADED,
    },
    promoted() {
      isLive = true;
    },
    isOver() {
      if (isLive && visible().some((offset) => offset > 0)) endsThen ??= ends();
      over ||= endsThen !== null && covers(visible(), endsThen);
      return over;
    },
  };
};
