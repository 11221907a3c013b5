/** A present read that raw events answer counts the same events for all its rows. */
import { expect, test } from 'vitest';
import { planView } from '#domain/plan/plan-view.ts';
import { NOT_DEGRADED } from '#domain/ports/degraded.ts';
import type { RawEvent } from '#domain/values/value.ts';
import type { RawEventsQuery } from './raw-events.ts';
import { createReadPast } from './read-past.ts';
import type { ReadPlan } from './read-plan.ts';

const plan = planView(
  {
    kind: 'feature-view',
    name: 'totals',
    entity: 'user',
    source: 'ticks',
    features: { events: { aggregation: 'count', input: null } },
  },
  {
    kind: 'source',
    name: 'ticks',
    fields: { user: 'string', at: 'timestamp' },
    eventTime: 'at',
  },
  { kind: 'entity', name: 'user', keys: { user: 'string' } },
);

const served = {
  plan,
  version: 1,
  generation: 1,
  newestEventTime: () => null,
  position: () => 'raw.ticks@0:0',
};

const readPlan = {
  views: [
    {
      served,
      needed: new Set(['events']),
      columns: [{ feature: 0, column: 0 }],
    },
  ],
  features: ['events'],
  onDemand: [],
  request: [],
} as unknown as ReadPlan;

const event = (offset: number, user: string, eventTime: number): RawEvent => ({
  row: { user, at: eventTime },
  eventTime,
  partition: 0,
  offset,
  logTime: eventTime,
});

/** The clock moves and events arrive while the events are fixed, and afterwards. */
const rig = () => {
  const log = [event(0, 'a', 10), event(1, 'b', 10)];
  const queries: RawEventsQuery[] = [];
  let now = 100;
  const read = createReadPast({
    pastGeneration: () => null,
    async rawEvents(query) {
      queries.push(query);
      log.push(event(log.length, 'a', 20), event(log.length + 1, 'b', 20));
      const { knowledge, to = 0, anyOf = [] } = query;
      return log.filter(
        ({ row, offset, eventTime }) =>
          eventTime <= to &&
          anyOf.some(({ user }) => user === row.user) &&
          (knowledge === undefined || offset < (knowledge.below[0] ?? 0)),
      );
    },
    readTime: () => now,
    presentTime: () => now,
    async ends() {
      log.push(event(log.length, 'a', 150));
      now = 160;
      return [log.length];
    },
    knowledge: () => Promise.reject(new Error('not a read of the past')),
    leftOut: async () => null,
    sharedModes: () => NOT_DEGRADED,
  });
  return { read, queries };
};

test('no event that arrives while rows are read counts for any of them', async () => {
  const { read, queries } = rig();
  const entities = [{ user: 'a' }, { user: 'b' }, { user: 'a' }];
  const answer = await read(readPlan, { entities }, 100, null, 100, NOT_DEGRADED);
  // `a` has one more: it arrived before the events were fixed, after the request came.
  expect(answer.values).toEqual([[2], [1], [2]]);
  expect(queries.map(({ knowledge }) => knowledge?.below)).toEqual([[3]]);
  expect([answer.at, answer.known]).toEqual([160, 160]);
});

test('an `at` that the request names stays', async () => {
  const { read } = rig();
  const entities = [{ user: 'a' }];
  const answer = await read(readPlan, { entities, at: 100 }, 100, null, 100, NOT_DEGRADED);
  expect(answer.values).toEqual([[1]]);
  expect(answer.at).toBe(100);
});
