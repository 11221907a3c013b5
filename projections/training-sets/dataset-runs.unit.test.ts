/** Two gateways over one store: who ends a data set, and what each of them answers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { fail } from '#domain/errors.ts';
import { datasetJob } from '#tests/contracts/dataset-jobs.contract.ts';
import { memoryDatasetJobs } from '#tests/support/memory-dataset-jobs.ts';
import { ABANDONED_MS, createDatasetRuns, type DatasetRuns } from './dataset-runs.ts';

const opened: DatasetRuns[] = [];
afterEach(async () => {
  for (const runs of opened.splice(0)) await runs.close();
});

const pair = (ids: readonly string[] = []) => {
  const jobs = memoryDatasetJobs();
  const discarded: string[] = [];
  const left = [...ids];
  let made = 0;
  const gateway = (id: string, heartbeatMs = 5, home = '/data'): DatasetRuns => {
    const runs = createDatasetRuns({
      jobs,
      gateway: { id, host: 'here' },
      builder: {
        home,
        outputPath: (of) => `${home}/${of}.parquet`,
        partialPath: (of, out) => `${out}.${of}.tmp`,
        discard: async (path) => void discarded.push(path),
        outputBytes: async () => 7,
      },
      now: () => 1,
      newId: () => left.shift() ?? `id-${made++}`,
      warn: () => {},
      heartbeatMs,
    });
    opened.push(runs);
    return runs;
  };
  return { jobs, discarded, gateway };
};

const job = (id: string) => datasetJob(id);
/** A build that lasts until it is aborted. */
const endless = ({ signal }: { readonly signal: AbortSignal }): Promise<never> =>
  new Promise((_, failed) => {
    const abort = (): void => failed(new DOMException('', 'AbortError'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
  });
const stateOf = async (runs: DatasetRuns, id: string) => (await runs.find(id)).status.state;

test('a data set is known to the other gateway when it is begun, and when it is done', async () => {
  const { gateway } = pair();
  const [one, two] = [gateway('one'), gateway('two')];
  let finish = (): void => {};
  const run = await one.begin(job, async () => {
    await new Promise<void>((done) => {
      finish = done;
    });
    return { rows: 3, features: ['n'] };
  });
  const { id } = run.job.status;
  expect(await stateOf(two, id)).toBe('running');
  finish();
  const ended = await run.done;
  expect(ended).toMatchObject({ bytes: 7, status: { state: 'done', rows: 3, finishedAt: 1 } });
  expect(await two.find(id)).toEqual(ended);
  await expect(two.find('ds-none')).rejects.toMatchObject({ code: 'MR_NOT_FOUND' });
});

test('an id that is taken is drawn again', async () => {
  const { gateway } = pair(['same', 'same', 'other']);
  const one = gateway('one');
  const first = await one.begin(job, endless);
  const second = await gateway('two').begin(job, endless);
  expect([first.job.status.id, second.job.status.id]).toEqual(['ds-same', 'ds-other']);
});

test('another gateway cancels it by a wish', async () => {
  const { gateway } = pair();
  const [one, two] = [gateway('one'), gateway('two')];
  const run = await one.begin(job, endless);
  expect((await two.cancel(run.job.status.id)).status.state).toBe('cancelled');
  expect((await run.done).status.state).toBe('cancelled');
});

test('a silent gateway has ended: the data set fails once, and its files are removed', async () => {
  const { jobs, discarded, gateway } = pair();
  const silent = gateway('silent', 1_000_000);
  const others = [gateway('two'), gateway('three')];
  const run = await silent.begin(job, endless);
  const { id, out } = run.job.status;
  jobs.age(ABANDONED_MS);
  expect(await stateOf(others[0] as DatasetRuns, id)).toBe('running');
  jobs.age(1);
  const answers = await Promise.all([0, 1, 0, 1].map((i) => others[i]?.find(id)));
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(answers[0]?.status).toMatchObject({
    state: 'failed',
    error: { message: 'the gateway that built it ended: start it again' },
  });
  expect(discarded).toEqual([`${out}.${id}.tmp`, out]);
});

test('a gateway that was only slow takes back what others have declared failed', async () => {
  const { jobs, discarded, gateway } = pair();
  const slow = gateway('slow', 1_000_000);
  const two = gateway('two');
  let finish = (): void => {};
  const run = await slow.begin(job, async () => {
    await new Promise<void>((done) => {
      finish = done;
    });
    return { rows: 3, features: [] };
  });
  jobs.age(ABANDONED_MS + 1);
  const failed = await two.find(run.job.status.id);
  discarded.length = 0;
  finish();
  expect(await run.done).toEqual(failed);
  expect(failed.status.state).toBe('failed');
  const { id, out } = run.job.status;
  expect(discarded).toEqual([`${out}.${id}.tmp`, out]);
  const woken = gateway('woken');
  const again = await woken.begin(job, endless);
  await jobs.end(
    { ...again.job, status: { ...again.job.status, state: 'failed' } },
    { quietMs: null },
  );
  expect((await again.done).status.state).toBe('failed');
});

test('it is done no earlier than the store says so', async () => {
  const { jobs, gateway } = pair();
  const one = gateway('one');
  const run = await one.begin(job, async () => {
    jobs.unavailable = new Error('gone');
    return { rows: 1, features: [] };
  });
  await sleep(20);
  expect(await stateOf(one, run.job.status.id)).toBe('running');
  jobs.unavailable = null;
  expect((await run.done).status.state).toBe('done');
});

test('other gateways and later processes get an error without the values of the spine', async () => {
  const { gateway } = pair();
  const one = gateway('one');
  const run = await one.begin(job, async () =>
    fail('MR_SPINE_INVALID', 'column "shop" of row 3 is "secret"', {
      column: 'shop',
      row: 3,
      value: 'secret',
    }),
  );
  const { id } = (await run.done).status;
  expect((await one.find(id)).status.error?.message).toContain('secret');
  const { error } = (await gateway('two').find(id)).status;
  expect(error).toMatchObject({ code: 'MR_SPINE_INVALID', details: { row: 3, column: 'shop' } });
  expect(error?.message).toContain('row 3, column shop');
  expect(JSON.stringify(error)).not.toContain('secret');
});

test('what a closed gateway was building has failed, and was not cancelled', async () => {
  const { gateway } = pair();
  const one = gateway('one');
  const run = await one.begin(job, endless);
  await one.close();
  expect((await gateway('two').find(run.job.status.id)).status).toMatchObject({
    state: 'failed',
    error: { message: 'the gateway that built it ended: start it again' },
  });
});

test('a copy of the platform removes its own files, and none of the original, which runs', async () => {
  const { jobs, discarded, gateway } = pair(['built', 'named']);
  const original = gateway('original', 1_000_000);
  await original.begin(job, endless);
  const out = '/models/week.parquet';
  const named = (id: string) => {
    const { status, request, ...rest } = datasetJob(id, { out });
    return { ...rest, status, request: { ...request, out }, home: '/data' };
  };
  await original.begin(named, endless);
  jobs.age(ABANDONED_MS + 1);
  const copy = gateway('copy', 5, '/restored');
  await copy.recover();
  expect(await stateOf(copy, 'ds-built')).toBe('failed');
  expect(await stateOf(copy, 'ds-named')).toBe('failed');
  expect([...new Set(discarded)]).toEqual([
    '/restored/ds-built.parquet.ds-built.tmp',
    '/restored/ds-built.parquet',
  ]);
  discarded.length = 0;
  await gateway('started again').recover();
  expect([...discarded].sort()).toEqual([
    '/data/ds-built.parquet',
    '/data/ds-built.parquet.ds-built.tmp',
    `${out}.ds-named.tmp`,
  ]);
});
