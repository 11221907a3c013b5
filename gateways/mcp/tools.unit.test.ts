/**
 * What tools do by themselves: where values lag behind the log, as on the stack profile, an answer
 * is given as a past one of the same moment, so that its link gives the same.
 */
import { expect, test } from 'vitest';
import type { ReadRequest, ReadResult, ViewExplanation } from '#domain/api/serving.ts';
import { DEFAULT_LIMITS } from '#gateways/shared/limits.ts';
import { createFakePlatform } from '#tests/support/fake-platform.ts';
import { linksAt } from './links.ts';
import type { ToolContext } from './tool.ts';
import { explainValue } from './tools/explain.ts';
import { readFeatures } from './tools/read.ts';

const NOW = 1_700_000_000_000;

const contextWith = (serving: object): ToolContext => {
  const platform = createFakePlatform();
  return {
    platform: { ...platform, serving: { ...platform.serving, ...serving } },
    caller: { actor: 'test' },
    limits: DEFAULT_LIMITS,
    links: linksAt('http://gateway'),
    signal: new AbortController().signal,
    file: (_, path) => path,
    now: () => NOW,
  };
};

const readResult = (completeThrough: number | null, value: number): ReadResult => ({
  features: ['v:f'],
  values: [[value]],
  status: [['present']],
  entities: [{ k: 'a' }],
  views: [{ view: 'v', version: 1, generation: 1, eventTime: null, position: '', completeThrough }],
  at: NOW,
  known: NOW,
});

const args = { features: ['v:f'], entities: [{ k: 'a' }] };

test.each([
  ['complete', NOW, {}, 1],
  ['behind', NOW - 1, {}, 2],
  ['unknown', null, {}, 2],
  ['behind, but pinned by the caller', NOW - 1, { known: NOW - 5 }, 1],
])('a read whose values are %s', async (_, completeThrough, times, reads) => {
  const asked: ReadRequest[] = [];
  const context = contextWith({
    async read(request: ReadRequest) {
      asked.push(request);
      return readResult(completeThrough, asked.length);
    },
  });
  const { answer, link, at, known } = await readFeatures.run({ ...args, ...times }, context);
  expect(asked).toHaveLength(reads);
  expect(answer).toMatchObject({ rows: [{ values: { 'v:f': reads } }] });
  expect([at, known]).toEqual([NOW, NOW]);
  expect(link).toMatchObject({ url: 'http://gateway/v1/features', body: { at: NOW, known: NOW } });
  if (reads > 1) expect(asked.at(-1)).toMatchObject({ at: NOW, known: NOW });
});

const explanation = (matches: boolean): ViewExplanation => ({
  view: 'v',
  feature: 'f',
  entity: { k: 'a b' },
  at: NOW,
  known: NOW,
  value: 1,
  status: 'present',
  type: 'long',
  version: 1,
  generation: 1,
  definition: {},
  window: null,
  hop: null,
  covers: { from: null, to: NOW },
  tiles: [],
  updates: [],
  events: [],
  eventsTotal: 0,
  recomputed: matches ? 1 : 2,
  matches,
});

test.each([
  [true, 1],
  [false, 2],
])('an explanation whose value matches: %s', async (matches, calls) => {
  const asked: object[] = [];
  const context = contextWith({
    async explain(request: object) {
      asked.push(request);
      return explanation(matches);
    },
  });
  const { link } = await explainValue.run({ feature: 'v:f', entity: { k: 'a b' } }, context);
  expect(asked).toHaveLength(calls);
  expect(link.url).toBe(
    `http://gateway/v1/explain?view=v&feature=f&entity.k=a%20b&at=${NOW}&known=${NOW}`,
  );
});
