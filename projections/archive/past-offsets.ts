/**
 * Where the events known at a past time end, in a log that deletes by itself: if the log no longer
 * has the first later event, the history does. Without this, events that the log had accepted later
 * would count as known.
 */
import type { HistoryTables } from '#domain/ports/history.ts';
import type { Log } from '#domain/ports/log.ts';

const RAW = 'raw.';

export const pastOffsets =
  (
    log: Pick<Log, 'begin' | 'offsetsAt'>,
    history: Pick<HistoryTables, 'offsetAt'>,
  ): Log['offsetsAt'] =>
  async (topic, time) => {
    const found = await log.offsetsAt(topic, time);
    if (!topic.startsWith(RAW)) return found;
    // Asked second: a begin that has moved in between only costs a query.
    const begin = await log.begin(topic);
    return Promise.all(
      found.map(async (offset, partition) => {
        const below = begin[partition] ?? 0;
        if (offset > below || below === 0) return offset;
        return (await history.offsetAt(topic, { partition, from: 0, below }, time)) ?? offset;
      }),
    );
  };
