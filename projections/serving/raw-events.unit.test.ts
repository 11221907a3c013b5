/** Raw events come from history and log, without a gap and without an overlap. */
import { expect, test } from 'vitest';
import type { EventQuery } from '#domain/ports/history.ts';
import type { LogRecord } from '#domain/ports/log.ts';
import type { RawEvent } from '#domain/values/value.ts';
import { createRawEvents } from './raw-events.ts';

const event = (offset: number): RawEvent => ({
  row: { n: offset },
  eventTime: offset,
  partition: 0,
  offset,
  logTime: offset,
});
const record = (offset: number): LogRecord => ({
  topic: 'raw.s',
  partition: 0,
  offset,
  logTime: offset,
  key: null,
  schemaId: 1,
  value: Uint8Array.of(offset),
});

/** A history with offsets from `deleted` to `history`, and a log from `begin` to 10. */
const eventsOf = (history: number, begin: number, deleted = 0) => {
  const asked: EventQuery[] = [];
  const rawEvents = createRawEvents({
    history: {
      endOffsets: async () => [history],
      horizon: async () => (deleted === 0 ? null : { begin: [deleted], time: deleted }),
      async events(query) {
        asked.push(query);
        return Array.from({ length: history }, (_, offset) => event(offset)).filter(
          ({ eventTime }) =>
            eventTime >= Math.max(deleted, query.from ?? 0) && eventTime <= (query.to ?? 99),
        );
      },
    },
    log: {
      begin: async () => [begin],
      end: async () => [10],
      read: async (_topic, _partition, offset) =>
        Array.from({ length: 10 }, (_, i) => record(i)).slice(Math.max(offset, begin)),
    },
    decode: (_source, _schemaId, value) => ({
      row: { n: value[0] as number },
      eventTime: value[0] as number,
    }),
  });
  return { rawEvents, asked };
};
const offsets = (events: readonly RawEvent[]): readonly number[] =>
  events.map(({ offset }) => offset);

test('from the history up to its end, then from the log', async () => {
  for (const [history, begin] of [
    [0, 0],
    [4, 0],
    [4, 4],
    [10, 4],
  ] as const)
    expect(offsets(await eventsOf(history, begin).rawEvents({ source: 's' }))).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
});

test('events that the log deleted before the history had them are not passed over', async () => {
  await expect(eventsOf(4, 6).rawEvents({ source: 's' })).rejects.toMatchObject({
    code: 'MR_EVENTS_LOST',
    details: { topic: 'raw.s', partition: 0, from: 4, below: 6 },
  });
});

test('a look back ends at the horizon', async () => {
  const { rawEvents, asked } = eventsOf(8, 8, 3);
  const back = { source: 's', lookBack: true };
  expect(offsets(await rawEvents({ ...back, to: 5 }))).toEqual([3, 4, 5]);
  expect(asked[0]).toMatchObject({ from: 3, to: 5 });
  expect(await rawEvents({ ...back, from: 0, to: 2 })).toEqual([]);
  expect(asked).toHaveLength(1);
});
