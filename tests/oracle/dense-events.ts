/** Random events whose windows are full. */
import fc from 'fast-check';
import type { RawEvent } from '#domain/values/value.ts';
import { rawEvents } from './arbitraries.ts';

/**
 * Events as drawn, or moved together: few entities and a short time, so that windows hold many
 * events and rows match them.
 */
export const denseEvents: fc.Arbitrary<readonly RawEvent[]> = fc
  .record({
    events: rawEvents(60),
    scale: fc.constantFrom(1, 100, 10_000, 1_000_000),
    few: fc.boolean(),
  })
  .map(({ events, scale, few }) => {
    let logTime = Number.NEGATIVE_INFINITY;
    return events.map((event) => {
      const t = Math.floor(event.eventTime / scale);
      logTime = Math.max(logTime, t + Math.floor((event.logTime - event.eventTime) / scale));
      const keys = few
        ? { k: event.row.k === null ? null : 'a\u001fb', j: event.row.j === null ? null : 0 }
        : {};
      return { ...event, eventTime: t, logTime, row: { ...event.row, t, ...keys } };
    });
  });
