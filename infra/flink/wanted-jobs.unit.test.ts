/** Where compute jobs start, and what is refused, when Kafka no longer has all events. */
import { expect, test } from 'vitest';
import { count, entity, featureView, source } from '#domain/definitions/index.ts';
import type {
  EntityDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import { parseDefinition } from '#domain/definitions/parse.ts';
import { MillraceError } from '#domain/errors.ts';
import { planView } from '#domain/plan/plan-view.ts';
import type { WantedGeneration, WantedView } from '#domain/ports/engine.ts';
import type { ConsumerPosition, Log } from '#domain/ports/log.ts';
import type { HistoryStart } from './compute-job.ts';
import type { FlinkJobs, JobStart, WantedJob } from './jobs.ts';
import { type WantedJobsOptions, wantedJobs } from './wanted-jobs.ts';

const parsed = <T>(definition: unknown): T =>
  parseDefinition(JSON.parse(JSON.stringify(definition))) as T;
const shop = parsed<EntityDefinition>(entity({ name: 'shop', keys: { shop: 'string' } }));
const sales = parsed<SourceDefinition>(
  source({ name: 'sales', fields: { t: 'timestamp', shop: 'string' }, eventTime: 't' }),
);
const viewOf = (lateness?: '1h'): FeatureViewDefinition =>
  parsed(
    featureView({
      name: 'v',
      entity: 'shop',
      source: 'sales',
      ...(lateness === undefined ? {} : { lateness }),
      features: { n: count({ window: '1d', hop: '1h' }) },
    }),
  );

const HISTORY: HistoryStart = { query: 'SELECT history', from: [{ partition: 0, offset: 70 }] };

interface Given {
  readonly state?: WantedGeneration['state'];
  readonly lateness?: '1h';
  readonly start?: JobStart;
  /** offsets at which an earlier start began */
  readonly stored?: readonly number[] | null;
  readonly unread?: MillraceError;
  readonly lost?: MillraceError;
}

const ensured = async (given: Given) => {
  const view = viewOf(given.lateness);
  const started = new Map<string, WantedJob>();
  const discarded: string[] = [];
  const written: ConsumerPosition[] = [];
  let start: JobStart = given.start ?? { kind: 'fresh', afterCrash: false };
  let stored = given.stored ?? null;
  const jobs: Partial<FlinkJobs> = {
    async ensure(name, _identity, make) {
      started.set(name, await make(start, stored));
      return name;
    },
    running: async () => [],
    async discard(name) {
      discarded.push(name);
      start = { kind: 'fresh', afterCrash: false };
      stored = null;
    },
    halt: async () => {},
    stop: async () => {},
  };
  const log = {
    createTopic: async () => {},
    end: async () => [100],
    committed: async () => [50],
    append: async ({ positions = [] }) => void written.push(...positions),
  } as unknown as Log;
  const spec = {
    view: 'v',
    version: 1,
    generation: 1,
    plan: planView(view, sales, shop),
    source: sales,
  };
  const wanted: WantedView[] = [
    {
      view: 'v',
      generations: [{ spec, state: given.state ?? 'live', partial: null }],
      gone: [],
    },
  ];
  const options: WantedJobsOptions = {
    jobs: jobs as FlinkJobs,
    log,
    settings: {
      kafka: 'k:1',
      registry: 'http://r',
      warehouse: { paimon: '/p', iceberg: '/i' },
      paimon: { buckets: 1, snapshotsKept: '1 h' },
      parallelism: 1,
      miniBatchMs: 1,
      archiveEveryMs: 1,
    },
    ensureHistory: async () => {},
    historyEndOffsets: async () => [70],
    viewDefinition: () => view,
    sources: () => [sales],
    featureLogs: () => [],
    historyStart: async () => HISTORY,
    historyMarks: async () => [1_234],
    unread: async () => given.unread ?? null,
    lostEvents: async () => given.lost ?? null,
    clean: async () => {},
  };
  const { ensure } = wantedJobs(options);
  const errorOfRun = (): Promise<string | null> =>
    ensure(wanted).then(
      () => null,
      (thrown: unknown) => (thrown as MillraceError).code,
    );
  const error = await errorOfRun();
  const compute = started.get('millrace-compute-v-g1');
  return { started, discarded, written, error, compute, errorOfRun };
};

const GONE = new MillraceError('MR_REPLAY_NEEDED', 'gone');
const RESTORED: JobStart = { kind: 'restored', historyQuery: null, historyMarks: [] };

test('a job without state reads the history, then Kafka, and its position goes back', async () => {
  const { compute, written, error } = await ensured({});
  expect(error).toBe(null);
  expect(compute?.historyQuery).toBe(HISTORY.query);
  expect(compute?.historyMarks).toBe(undefined);
  expect(written).toEqual([
    { consumer: 'compute.v.1', topic: 'raw.sales', partition: 0, offset: 0 },
  ]);
});

test('with a lateness, the watermark of the history is kept with the job', async () => {
  const { compute } = await ensured({ lateness: '1h' });
  expect(compute?.historyMarks).toEqual([1_234]);
  expect(compute?.startOffsets).toEqual([100]);
  expect(compute?.setup.join()).toContain('CAST(1234 AS BIGINT)');
  const again = await ensured({
    lateness: '1h',
    start: { ...RESTORED, historyQuery: HISTORY.query, historyMarks: [99] },
    stored: [80],
  });
  expect(again.compute?.historyMarks).toEqual([99]);
  expect(again.compute?.startOffsets).toEqual([80]);
});

test('a job without state updates all tiles after the topic’s end; one with state keeps its offsets', async () => {
  const fresh = await ensured({ stored: [80] });
  expect(fresh.compute?.updatesFrom).toEqual([100]);
  const again = await ensured({ start: { ...RESTORED, updatesFrom: [60] } });
  expect(again.compute?.updatesFrom).toEqual([60]);
  const older = await ensured({ start: RESTORED });
  expect(older.compute?.updatesFrom).toBe(undefined);
});

test('a live generation that cannot go on is refused; the archive goes on', async () => {
  const { compute, discarded, error, started } = await ensured({ start: RESTORED, unread: GONE });
  expect([compute, discarded, error]).toEqual([undefined, [], 'MR_REPLAY_NEEDED']);
  expect(started.has('millrace-archive')).toBe(true);
});

test('so is one that lost its state, where the history does not say what is late', async () => {
  const stored = [60];
  expect((await ensured({ lateness: '1h', stored })).error).toBe('MR_REPLAY_NEEDED');
  expect((await ensured({ stored })).error).toBe(null);
  expect((await ensured({ lateness: '1h', stored: [70] })).error).toBe(null);
});

test('a generation that is filled begins again', async () => {
  const given = { start: RESTORED, unread: GONE, state: 'filling' } as const;
  const { compute, discarded, error } = await ensured(given);
  expect([discarded, error]).toEqual([['millrace-compute-v-g1'], null]);
  expect(compute?.historyQuery).toBe(HISTORY.query);
});

test('a source that lost events is left out of the history', async () => {
  const lost = new MillraceError('MR_EVENTS_LOST', 'lost');
  const { started, error, errorOfRun } = await ensured({ lost });
  expect([started.has('millrace-archive'), error]).toEqual([false, 'MR_EVENTS_LOST']);
  expect(await errorOfRun(), 'also while it is not looked again').toBe('MR_EVENTS_LOST');
});
