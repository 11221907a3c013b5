/** The promises of the store of data sets: see domain/ports/dataset-jobs.ts. */
import { describe, expect, test } from 'vitest';
import type { DatasetJob, DatasetJobs, EndedBy } from '#domain/ports/dataset-jobs.ts';

export interface DatasetJobsFixture {
  /** two adapters over one store */
  readonly both: readonly [DatasetJobs, DatasetJobs];
  /** Makes every heartbeat older by so many ms. */
  readonly age: (ms: number) => Promise<void>;
}

export const datasetJob = (
  id: string,
  more: Partial<DatasetJob['status']> = {},
  gateway = 'one',
): DatasetJob => ({
  status: {
    id,
    state: 'running',
    progress: 0,
    stage: 'starting',
    rows: null,
    out: `/data/${id}.parquet`,
    mode: 'event-time',
    features: [],
    views: [{ view: 'spending', version: 1, generation: 1 }],
    known: 1_700_000_000_000,
    error: null,
    startedAt: 1_700_000_000_000,
    finishedAt: null,
    ...more,
  },
  request: { target: { view: 'spending' }, spine: { rows: 3 }, mode: 'event-time' },
  kind: 'dataset',
  actor: 'ann — “ä” 𝄞',
  principal: `token/https://issuer/${'x'.repeat(1_000)}`,
  gateway,
  host: 'here',
  home: '/data',
  partial: `/data/.${id}.tmp`,
  bytes: null,
});

const done = (job: DatasetJob, finishedAt = 1_700_000_000_500): DatasetJob => ({
  ...job,
  status: { ...job.status, state: 'done', stage: 'done', progress: 1, rows: 3, finishedAt },
  bytes: 99,
});

/** @param open a store of its own @param kept the number of ended data sets that it keeps */
export const datasetJobsContract = (
  name: string,
  open: (kept: number) => Promise<DatasetJobsFixture>,
): void => {
  describe(`data set jobs: ${name}`, () => {
    test('a begun job is found, whole, by every gateway; its id is taken', async () => {
      const [one, two] = (await open(9)).both;
      const job = datasetJob('ds-a');
      expect(await one.begin(job)).toBe(true);
      expect(await one.begin(datasetJob('ds-a', { out: '/x' }))).toBe(false);
      expect(await two.begin(datasetJob('ds-a', { out: '/x' }, 'two'))).toBe(false);
      expect((await two.find('ds-a'))?.job).toEqual(job);
      expect((await two.find('ds-a'))?.quietMs).toBeLessThan(10_000);
      for (const none of ['ds-b', 'DS-A', 'ds-a ', '', '\u0000', '\ud800', 'é'.repeat(9_999)])
        expect(await two.find(none)).toBe(null);
    });

    test('a heartbeat has the progress, and brings the wishes of others', async () => {
      const { both, age } = await open(9);
      const [one, two] = both;
      await one.begin(datasetJob('ds-a'));
      await one.begin(datasetJob('ds-b'));
      await two.begin(datasetJob('ds-c', {}, 'two'));
      await age(60_000);
      await two.wishCancel('ds-b');
      await two.wishCancel('none');
      const stage = `reading ${'s'.repeat(500)}`;
      const held = await one.renew('one', [
        { id: 'ds-a', progress: 0.25, stage },
        { id: 'ds-b', progress: 0.5, stage },
        { id: 'ds-c', progress: 0.75, stage },
        { id: 'none', progress: 0, stage },
      ]);
      expect([...held]).toEqual([
        ['ds-a', false],
        ['ds-b', true],
      ]);
      const [a, c] = [await two.find('ds-a'), await two.find('ds-c')];
      expect(a?.job.status).toMatchObject({ progress: 0.25, stage });
      expect(a?.quietMs).toBeLessThan(30_000);
      expect(c?.job.status.progress).toBe(0);
      expect(c?.quietMs).toBeGreaterThanOrEqual(60_000);
    });

    test('it ends once, by its own gateway or by one that finds it silent for long enough', async () => {
      const { both, age } = await open(9);
      const [one, two] = both;
      const job = datasetJob('ds-a');
      await one.begin(job);
      expect(await two.end(done(job), { gateway: 'two' })).toBe(false);
      expect(await two.end(done(job), { quietMs: 30_000 })).toBe(false);
      await age(20_000);
      expect(await two.end(done(job), { quietMs: 30_000 })).toBe(false);
      await age(20_000);
      const ends: EndedBy[] = [{ gateway: 'one' }, { quietMs: 30_000 }, { quietMs: null }];
      const stored = await Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          (both[i % 2] as DatasetJobs).end(done(job, 1_000 + i), ends[i % ends.length] as EndedBy),
        ),
      );
      const winner = stored.indexOf(true);
      expect(stored.filter(Boolean)).toHaveLength(1);
      expect((await one.find('ds-a'))?.job).toEqual(done(job, 1_000 + winner));
      await two.wishCancel('ds-a');
      expect([...(await one.renew('one', [{ id: 'ds-a', progress: 0, stage: 'x' }]))]).toEqual([]);
      expect((await two.find('ds-a'))?.job).toEqual(done(job, 1_000 + winner));
      expect(await one.end(done(datasetJob('none')), { quietMs: null })).toBe(false);
    });

    test('a gateway that is the only one ends what is not its own, whatever its age', async () => {
      const [one, two] = (await open(9)).both;
      const job = datasetJob('ds-a');
      await one.begin(job);
      expect(await two.end(done(job), { quietMs: null })).toBe(true);
    });

    test('lists: those being built, and the newest first', async () => {
      const [one, two] = (await open(9)).both;
      for (const [i, id] of ['ds-c', 'ds-a', 'ds-b'].entries())
        await one.begin(datasetJob(id, { startedAt: i }));
      await one.end(done(datasetJob('ds-a', { startedAt: 1 })), { gateway: 'one' });
      const ids = (found: readonly { job: DatasetJob }[]) => found.map(({ job }) => job.status.id);
      expect(ids(await two.running()).sort()).toEqual(['ds-b', 'ds-c']);
      expect(ids(await two.newest(2))).toEqual(['ds-b', 'ds-a']);
    });

    test('of ended ones the newest are kept, and all that are being built', async () => {
      const [one] = (await open(2)).both;
      await one.begin(datasetJob('ds-running', { startedAt: 0 }));
      for (let i = 0; i < 5; i++) {
        const job = datasetJob(`ds-${i}`);
        await one.begin(job);
        await one.end(done(job, 100 + i), { gateway: 'one' });
      }
      const kept = await one.newest(99);
      expect(kept.map(({ job }) => job.status.id).sort()).toEqual(['ds-3', 'ds-4', 'ds-running']);
    });
  });
};
