/**
 * Dimensions in Flink SQL: random views over rows, nulls and tombstones, late and out of order.
 * Both tiers and reads of the past equal the values computed directly from all events, before and
 * after a snapshot that leaves one row.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Platform } from '#domain/api/platform.ts';
import type { ReadRequest } from '#domain/api/serving.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { EARLIEST } from '#domain/sources/refusal.ts';
import type { RawEvent, Row, Value } from '#domain/values/value.ts';
import { definitions, rawEvents, SOURCE, sentRow } from '#tests/oracle/arbitraries.ts';
import { type Definitions, keyValues, oracle } from '#tests/oracle/oracle.ts';
import { sameValue } from '#tests/oracle/same.ts';
import {
  caller,
  type StackPlatform,
  stackPlatform,
  uniqueName,
  until,
} from '#tests/stack/support/platform.ts';

const SEED = Number(process.env.MILLRACE_SEED ?? 20_261_129);
const VIEWS = 3;
const X = { op: 'col', name: 'x' } as const;

const source: Definitions['source'] = {
  ...SOURCE,
  name: uniqueName('table'),
  fields: { ...SOURCE.fields, k: 'string' },
  dimension: { key: ['k'], deleted: 'b' },
};
const all = fc
  .sample(
    definitions().filter(({ entity }) => entity.name === 'one'),
    { seed: SEED, numRuns: VIEWS },
  )
  .map(({ view, entity }, i): Definitions => {
    const features = { ...view.features, last_x: { aggregation: 'last', input: X } };
    return {
      entity,
      source,
      view: { ...view, name: uniqueName(`rows${i}`), source: source.name, features },
    };
  });

const rows = fc
  .sample(rawEvents(60), { seed: SEED, numRuns: 60 })
  .flatMap((events) => events.map(({ row }) => row))
  .filter(
    (row) => row.k !== null && (row.t as number) >= EARLIEST && (row.t as number) < Date.now(),
  );

let cache: StackPlatform;
let durable: StackPlatform;
let position = '';
const events: RawEvent[] = [];

const add = (row: Row): void => {
  events.push({
    row,
    eventTime: row.t as number,
    partition: 0,
    offset: events.length,
    logTime: events.length,
  });
};

beforeAll(async () => {
  console.log(`dimensions: MILLRACE_SEED=${SEED}, ${rows.length} events, ${all.length} views`);
  cache = await stackPlatform();
  const [first] = all as [Definitions];
  await cache.platform.registry.apply([first.entity, source], {}, caller);
  await cache.platform.registry.apply(
    all.map(({ view }) => view),
    {},
    caller,
  );
  for (let i = 0; i < rows.length; i += 50) {
    const some = rows.slice(i, i + 50);
    const result = await cache.platform.publishing.publish(
      { source: source.name, events: some.map(sentRow) },
      caller,
    );
    expect(result.rejected).toEqual([]);
    ({ position } = result);
    some.forEach(add);
  }
  durable = await stackPlatform({ cache: false });
});
afterAll(async () => {
  await cache?.dispose();
  await durable?.dispose();
});

const MS = 240_000;
const isReached = (platform: Platform, request: ReadRequest): Promise<boolean> =>
  platform.serving.read(request).then(
    () => true,
    (error: { readonly code?: string }) => {
      if (error.code === 'MR_POSITION_NOT_REACHED') return false;
      throw error;
    },
  );

const expectReads = async ({ platform }: StackPlatform, at?: number): Promise<void> => {
  for (const one of all) {
    const plan = planView(one.view, one.source, one.entity);
    const names = Object.keys(one.view.features);
    const keys = [...new Set(events.map((e) => keyValues(one, e.row)?.[0] as string)), 'absent'];
    const request = {
      features: names.map((name) => `${one.view.name}:${name}`),
      entities: keys.map((k) => ({ k })),
      after: position,
    };
    await until(`${one.view.name} has read to ${position}`, () => isReached(platform, request), MS);
    const read = await platform.serving.read({ ...request, ...(at === undefined ? {} : { at }) });
    keys.forEach((k, i) => {
      const want = oracle(one, events, [k], read.at);
      expect({ view: one.view, k, status: read.status[i] }).toEqual({
        view: one.view,
        k,
        status: want.status,
      });
      Object.values(one.view.features).forEach((feature, f) => {
        const [value, wanted] = [read.values[i]?.[f] as Value, want.values[f] as Value];
        const whole = plan.features[f]?.type.base === 'long';
        const same = sameValue(feature.aggregation, whole, value, wanted, want.scale[f] as number);
        expect(same, `${JSON.stringify({ feature, k, value, wanted })}`).toBe(true);
      });
    });
  }
};

test('both tiers and the past', { timeout: 600_000 }, async () => {
  await expectReads(cache);
  await expectReads(durable);
  for (const { eventTime } of events.slice(0, 3)) await expectReads(cache, eventTime);
});

test('a snapshot', { timeout: 600_000 }, async () => {
  const time = Date.now();
  const kept = { k: 'a', x: 1.25, s: null, n: 7 };
  const result = await cache.platform.publishing.snapshot(
    {
      source: source.name,
      time,
      rows: (async function* () {
        yield [kept];
      })(),
    },
    caller,
  );
  ({ position } = result);
  const keys = [...new Set(events.map(({ row }) => row.k as string))];
  const nulls = Object.fromEntries(Object.keys(source.fields).map((field) => [field, null]));
  const present = keys.filter((k) => {
    const mine = events.filter(({ row }) => row.k === k);
    const [newest] = mine.toSorted((a, b) => b.eventTime - a.eventTime || b.offset - a.offset);
    return newest?.row.b !== true;
  });
  expect(result.gone).toBe(present.filter((k) => k !== 'a').length);
  add({ ...nulls, ...kept, t: time });
  for (const k of present) if (k !== 'a') add({ ...nulls, k, b: true, t: time });
  await expectReads(cache);
  await expectReads(durable);
});
