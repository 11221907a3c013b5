/** What `stack verify` and backups compare of topics, and that they change no recorded id. */
import { expect, test } from 'vitest';
import { mixedTopic } from '#infra/kafka/topic-guard.ts';
import { assertOwnTopics, recordedIds } from './own-topics.ts';

test('the recorded ids are read, and neither added nor replaced', async () => {
  const replaced: unknown[] = [];
  const ids = recordedIds({ all: async () => new Map([['raw.clicks', 'one']]) }, (problem) =>
    replaced.push(problem),
  );
  expect(await ids.all()).toEqual(new Map([['raw.clicks', 'one']]));
  expect(await ids.record('raw.orders', 'two')).toBe('two');
  await ids.replace('rejected.clicks', 'other');
  expect(replaced).toMatchObject([
    { code: 'MR_DATA_MIXED', details: { topic: 'rejected.clicks' } },
  ]);
  expect(await ids.all()).toEqual(new Map([['raw.clicks', 'one']]));
});

test('a copied topic that was made anew refuses the backup; one that is not copied does not', async () => {
  const replaced = new Set<string>();
  let checked = 0;
  const guard = {
    check: async () => {
      checked++;
      replaced.add('raw.clicks');
    },
    assert: (topic: string) => {
      if (replaced.has(topic)) throw mixedTopic(topic, 'made anew');
    },
  };
  await expect(
    assertOwnTopics(guard, [{ topic: 'raw.orders' }, { topic: 'raw.clicks' }]),
  ).rejects.toMatchObject({ code: 'MR_DATA_MIXED', details: { topic: 'raw.clicks' } });
  await assertOwnTopics(guard, [{ topic: 'raw.orders' }]);
  expect(checked).toBe(2);
});
