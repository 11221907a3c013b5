/** What is trimmed: only what is old, in the history, and not needed by a generation that runs. */
import { expect, test } from 'vitest';
import type { EngineGeneration } from '#domain/ports/engine.ts';
import { createTrimLog, type TrimLogDependencies } from './trim-log.ts';

interface Given {
  readonly begin?: number;
  readonly end?: number;
  /** offsets below are older than the log keeps them */
  readonly old: number;
  readonly history: number;
  readonly counted?: number;
  /** rows that the history lacks of the offsets below one, negative */
  readonly lacking?: (below: number) => number;
  readonly running?: readonly EngineGeneration[];
  readonly keepMs?: number | null;
  readonly resumesInLog?: true;
  /** how many records the log has of some offsets, where they count no records */
  readonly records?: (from: number, below: number) => number;
}

const generation = (position: number, needed: number, error: Error | null = null) =>
  ({
    spec: { view: 'v', source: { name: 's' } },
    positions: () => [{ partition: 0, offset: position }],
    updatesNeededFrom: () => needed,
    error: () => error,
  }) as unknown as EngineGeneration;

/** @returns the begin of the topic's partition, and the warnings */
const trimmedTo = async (topic: string, given: Given) => {
  let begin = given.begin ?? 0;
  const end = given.end ?? 100;
  const warnings: string[] = [];
  const dependencies: TrimLogDependencies = {
    log: {
      topics: async () => [{ topic, partitions: 1 }],
      kept: () => [{ begin, end, oldest: 0 }],
      keptOffsetsAt: () => [given.old],
      trim: async (_topic, _partition, before, isRead) => {
        expect(isRead()).toBe(true);
        begin = before;
      },
      ...(given.records === undefined
        ? {}
        : { count: async (_: string, { from, below }) => given.records?.(from, below) ?? 0 }),
    },
    ...(given.resumesInLog === undefined ? {} : { resumesInLog: given.resumesInLog }),
    history: {
      endOffsets: async () => [given.history],
      count: async (_, { from, below }) =>
        given.counted ?? below - from + (given.lacking?.(below) ?? 0),
    },
    running: () => given.running ?? [],
    now: () => 0,
    keepMs: given.keepMs === undefined ? 1 : given.keepMs,
    warn: (message) => void warnings.push(message),
  };
  const trim = createTrimLog(dependencies);
  const first = await trim();
  expect(first, 'the history has it for a while').toBe(0);
  const trimmed = await trim();
  expect(trimmed).toBe(begin - (given.begin ?? 0));
  return { begin, warnings };
};

test('raw events: what is old, in the history, and computed by every generation that runs', async () => {
  const at = async (given: Given) => (await trimmedTo('raw.s', given)).begin;
  expect(await at({ old: 40, history: 60 })).toBe(40);
  expect(await at({ old: 60, history: 40 })).toBe(40);
  expect(await at({ begin: 50, old: 40, history: 60 })).toBe(50);
  expect(await at({ old: 40, history: 60, keepMs: null })).toBe(0);
  const running = [generation(100, 0), generation(30, 0)];
  expect(await at({ old: 40, history: 60, running })).toBe(30);
  const stalled = [generation(100, 0), generation(30, 0, new Error('stalled'))];
  expect(await at({ old: 40, history: 60, running: stalled }), 'it can read the history').toBe(40);
});

test('where a computation goes on in the log, one that has stopped holds back, and one that has not begun', async () => {
  const at = async (given: Given) => (await trimmedTo('raw.s', given)).begin;
  const given = { old: 40, history: 60, resumesInLog: true } as const;
  const stalled = [generation(100, 0), generation(30, 0, new Error('stalled'))];
  expect(await at({ ...given, running: stalled })).toBe(30);
  const unknown = { ...generation(0, 0), positions: () => [] };
  expect(await at({ ...given, running: [generation(100, 0), unknown] })).toBe(0);
});

test('a log whose offsets count no records is asked for its records', async () => {
  const given = { old: 40, history: 60, counted: 38 };
  const records = (from: number, below: number): number => below - from - 2;
  expect((await trimmedTo('raw.s', { ...given, records })).begin).toBe(40);
  const { begin, warnings } = await trimmedTo('raw.s', { ...given, counted: 37, records });
  expect([begin, warnings.length]).toEqual([0, 1]);
});

test('updates: what no generation needs to build its tiles', async () => {
  const at = async (given: Given) => (await trimmedTo('features.v', given)).begin;
  expect(await at({ old: 40, history: 60, running: [generation(1, 35), generation(1, 20)] })).toBe(
    20,
  );
  expect(await at({ old: 40, history: 60, running: [generation(1, 99)] })).toBe(40);
  expect(await at({ old: 40, history: 60 }), 'a retired view may be restored').toBe(0);
});

test('logged answers are trimmed; late and rejected events, of which there is no history, are not', async () => {
  for (const [topic, begin] of [
    ['served.s', 40],
    ['late.v', 0],
    ['rejected.s', 0],
    ['resent.s', 0],
    ['snapshots.s', 0],
    ['registry', 0],
    ['lineage', 0],
  ] as const)
    expect([topic, (await trimmedTo(topic, { old: 40, history: 60 })).begin]).toEqual([
      topic,
      begin,
    ]);
});

test('nothing is trimmed of which the history has fewer rows than it says', async () => {
  const { begin, warnings } = await trimmedTo('raw.s', { old: 40, history: 60, counted: 39 });
  expect(begin).toBe(0);
  expect(warnings[0]).toContain('its history has 39, not 40');
});

test('a large log is trimmed piece by piece, up to the piece that the history lacks', async () => {
  const end = 2_300_000;
  const given = { end, old: end, history: end };
  expect((await trimmedTo('raw.s', given)).begin).toBe(end);
  const lacking = (below: number): number => (below > 1_000_000 ? -1 : 0);
  const { begin, warnings } = await trimmedTo('raw.s', { ...given, lacking });
  expect(begin).toBe(1_000_000);
  expect(warnings[0]).toContain('of offsets 1000000 to 1499999');
});
