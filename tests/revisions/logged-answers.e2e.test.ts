/** Answers of a service that are logged before its features become wider, and after. */
import { join } from 'node:path';
import {
  col,
  countDistinct,
  entity,
  featureService,
  featureView,
  last,
  lastK,
  onDemandFeature,
  request,
  source,
} from 'millrace';
import { afterEach, expect, test } from 'vitest';
import { featureLogTopic } from '#domain/ports/topics.ts';
import type { Row, Value } from '#domain/values/value.ts';
import { openIcebergHistory } from '#infra/iceberg/history.ts';
import { embeddedHistoryInput } from '#infra/profiles/embedded-history-input.ts';
import { historyIn } from '#tests/contracts/history.fixture.ts';
import { caller, plain, type TestPlatform, testPlatform } from '#tests/support/platform.ts';

let running: TestPlatform;
afterEach(() => running.dispose());

/** The logged rows in the history, oldest first; the platform must not run. */
const archived = async (): Promise<readonly Row[]> => {
  const history = await openIcebergHistory({
    ...historyIn(running.directory),
    input: embeddedHistoryInput(join(running.directory, 'millrace.db')),
    commitAfterMs: 0,
  });
  await history.sync(featureLogTopic('model'));
  const rows: Row[] = [];
  for await (const batch of history.rows(featureLogTopic('model'), {})) rows.push(...batch);
  await history.close();
  return rows;
};

test.each([
  ['int', 'long', 3_000_000_000],
  ['long', 'double', 2.25],
] as const)(
  'a feature and an input of an on-demand feature, from %s to %s',
  async (from, to, wide) => {
    running = await testPlatform();
    const sourceOf = (type: 'int' | 'long' | 'float' | 'double') =>
      source({
        name: 'fares',
        fields: { at: 'timestamp', user: 'string', fare: type },
        eventTime: 'at',
      });
    const user = entity({ name: 'user', keys: { user: 'string' } });
    const spent = featureView({
      name: 'spent',
      entity: user,
      source: sourceOf(from),
      features: {
        newest: last(col('fare')),
        newest_two: lastK(col('fare'), 2),
        fares: countDistinct(col('fare')),
      },
    });
    const scaled = onDemandFeature({
      name: 'scaled',
      type: 'double',
      inputs: { newest: spent.feature('newest'), factor: request('factor', 'int') },
      value: ({ newest, factor }) => newest.times(factor).plus(0.5),
    });
    const model = featureService({
      name: 'model',
      features: [spent.pick('newest', 'newest_two', 'fares'), scaled],
      logging: { sample: 1 },
    });
    const publish = async (fare: number): Promise<void> => {
      const events = [{ at: Date.now() - 1, user: 'u', fare }];
      await running.platform.publishing.publish({ source: 'fares', events }, caller);
    };
    const read = async (requestId: string): Promise<readonly Value[]> => {
      const { values } = await running.platform.serving.read(
        { service: 'model', entities: [{ user: 'u' }], request: [{ factor: 2 }] },
        { ...caller, requestId },
      );
      return values[0] as readonly Value[];
    };
    const logged = async (requestId: string): Promise<readonly Value[]> => {
      const [row] = await running.platform.serving.featureLog('model', { requestId }, caller);
      return Object.values(row?.values ?? {});
    };

    await running.platform.registry.apply(
      plain(user, sourceOf(from), spent, scaled, model),
      {},
      caller,
    );
    await publish(5);
    const before = [5, [5], 1, 10.5];
    expect(await read('first')).toEqual(before);
    await running.platform.close();
    expect((await archived()).length).toBe(1);
    await running.restart();

    const { changes } = await running.platform.registry.plan(plain(sourceOf(to)));
    expect(changes.map(({ cost, problems }) => [cost, problems])).toEqual([['compatible', []]]);
    await running.platform.registry.apply(plain(sourceOf(to)), {}, caller);
    await publish(wide);
    const after = [wide, [wide, 5], 2, wide * 2 + 0.5];
    expect(await read('second')).toEqual(after);
    for (const restart of [false, true]) {
      if (restart) await running.restart();
      expect(await logged('first')).toEqual(before);
      expect(await logged('second')).toEqual(after);
    }
    const skew = await running.platform.serving.skew({ service: 'model' }, caller);
    for (const { feature, compared, differing } of skew.features)
      expect([feature, compared, differing]).toEqual([feature, 2, 0]);
    await running.platform.close();
    const [first, second] = await archived();
    expect(JSON.stringify(first)).toContain('10.5');
    expect(JSON.stringify(second)).toContain(JSON.stringify([wide, 5]));
    await running.restart();
  },
);
