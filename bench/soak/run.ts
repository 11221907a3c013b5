/**
 * One soak: steady load, changes and restarts at the same time, then everything is counted once
 * more directly.
 *
 *   first half: every part is restarted repeatedly, by SIGTERM and SIGKILL in turn
 *   second half: no restarts, so that growth shows; changes continue
 *   end: load stops, all parts are killed once more, and all values must be exact
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'millrace/client';
import { keepChanging, keepMakingDatasets } from './changes.ts';
import { createHttp, type Http } from './http.ts';
import { startLoad } from './load.ts';
import { startProducer } from './publishing.ts';
import { READS } from './reads.ts';
import type { Rig, Sample } from './rig.ts';
import { createWatch, type Watch } from './watch.ts';
import { createTruth, definitions, HOP_MS, nameOf, type Truth, USERS, WINDOW_MS } from './world.ts';

interface SoakOptions {
  readonly seconds: number;
  /** restarts of each part, all in the first half */
  readonly restarts: number;
  /** the interval of a cycle of revision and replay, and of a data set */
  readonly changeEveryMs: number;
  readonly datasetEveryMs: number;
}

interface Soaked {
  readonly watch: Watch;
  /** since the last restart */
  readonly samples: readonly Sample[];
  readonly events: number;
}

const PRODUCERS = 2;
const SAMPLE_MS = 1_000;
const LAG_MS = 20;
const READY_MS = 240_000;
const CATCH_UP_MS = 120_000;
const POLL_MS = 100;

type Row = Readonly<Record<string, number | null>>;

/**
 * Compares every user's values, now and over a window, with the events that were sent. @returns
 * what is wrong
 */
const checkExactly = async (http: Http, truth: Truth): Promise<readonly string[]> => {
  const wrong: string[] = [];
  const users = Array.from({ length: USERS }, (_, user) => user);
  const entities = users.map((user) => ({ user: nameOf(user) }));
  const at = Date.now();
  const features = [
    'totals:events',
    'totals:total',
    'totals:newest',
    'recent:events_2m',
    'recent:total_2m',
  ];
  const { rows } = await http.post<{ rows: Row[] }>('/v1/features', { features, entities, at });
  const evolving = await http.post<{ rows: Row[] }>('/v1/features', {
    features: ['evolving:events'],
    entities,
  });
  const from = Math.floor((at - WINDOW_MS) / HOP_MS) * HOP_MS;
  for (const user of users) {
    const n = truth.issued(user);
    const inWindow = truth.within('issued', user, from, at);
    const row = rows[user] as Row;
    const expected = [n, n || null, n || null, inWindow, inWindow || null];
    const found = [row.events, row.total, row.newest, row.events_2m, row.total_2m];
    if (JSON.stringify(found) !== JSON.stringify(expected) || evolving.rows[user]?.events !== n)
      wrong.push(
        `at the end ${nameOf(user)} has ${JSON.stringify(found)} and evolving ${evolving.rows[user]?.events}, not ${JSON.stringify(expected)}`,
      );
  }
  const status = await http.get<{
    sources: { source: string; events: number; rejected: number }[];
  }>('/v1/status');
  const ticks = status.sources.find(({ source }) => source === 'ticks');
  if (ticks?.events !== truth.total() || ticks.rejected !== 0)
    wrong.push(
      `at the end the log has ${JSON.stringify(ticks)}, and ${truth.total()} events were sent`,
    );
  const audit = await http.get<{ ok: boolean }>('/v1/audit/verify');
  if (!audit.ok) wrong.push(`the audit's chain is broken: ${JSON.stringify(audit)}`);
  return wrong;
};

/**
 * Where the computation follows the log, the values may need time: what is wrong after that stays
 * wrong.
 */
const checkEnd = async (rig: Rig, http: Http, watch: Watch, truth: Truth): Promise<void> => {
  for (const deadline = Date.now() + (rig.atOnce ? 0 : CATCH_UP_MS); ; await sleep(1_000)) {
    const wrong = await checkExactly(http, truth).catch((error: unknown) => [String(error)]);
    if (wrong.length > 0 && Date.now() < deadline) continue;
    for (const what of wrong) watch.fail(what);
    return;
  }
};

/** Views fill after they are applied. All must be live before answers can be checked. */
const untilLive = async (http: Http): Promise<void> => {
  for (const deadline = Date.now() + READY_MS; ; await sleep(200)) {
    const { views } = await http
      .get<{ views: { state: string }[] }>('/v1/status')
      .catch(() => ({ views: [{ state: 'away' }] }));
    if (views.every(({ state }) => state === 'live')) return;
    if (Date.now() > deadline) throw new Error('the views are not live');
  }
};

export const soak = async (
  rig: Rig,
  options: SoakOptions,
  say: (line: string) => void,
): Promise<Soaked> => {
  const http = createHttp(rig.urls);
  const grpc = rig.grpc.map((address) =>
    connect({ address, deadlineMs: 10_000, retry: { tries: 1 } }),
  );
  await http.post('/v1/apply', {
    definitions: JSON.parse(JSON.stringify(definitions)),
    reason: 'soak',
  });
  await untilLive(http);

  const startedAt = Date.now();
  const endsAt = startedAt + options.seconds * 1000;
  const running = (): boolean => Date.now() < endsAt;
  const watch = createWatch(startedAt);
  const truth = createTruth();
  let samples: Sample[] = [];
  const sampling = setInterval(() => {
    void rig.sample().then((sample) => {
      watch.sampled(sample);
      if (sample !== null) samples.push(sample);
    });
  }, SAMPLE_MS);
  let expected = performance.now() + LAG_MS;
  const lagging = setInterval(() => {
    watch.lagged(Math.max(0, performance.now() - expected));
    expected = performance.now() + LAG_MS;
  }, LAG_MS);

  const { batches, batch } = rig.pace;
  const everyMs = (1000 * PRODUCERS) / batches;
  const producers = Array.from({ length: PRODUCERS }, (_, share) =>
    startProducer({ http, watch, truth, share, shares: PRODUCERS, everyMs, batch }),
  );
  let turn = 0;
  const newest = () => producers[turn++ % PRODUCERS]?.newest() ?? null;
  const reading = { http, grpc, truth, newest, atOnce: rig.atOnce, random: Math.random };
  const loads = READS.map(({ name, rate, run }) =>
    startLoad(
      rate * rig.pace.reads,
      (due) => watch.operation(name, due, () => run(reading)),
      () => watch.fail(`${name}: too many are unanswered`),
    ),
  );
  const changing = { http, watch, truth, running, atOnce: rig.atOnce };
  const changes = [
    keepChanging(changing, options.changeEveryMs),
    keepMakingDatasets(changing, options.datasetEveryMs),
  ];

  /** The position of a batch that was acknowledged from now on. */
  const newPosition = async (): Promise<string> => {
    const before = producers.map(({ newest: of }) => of());
    for (;;) {
      const found = producers.map(({ newest: of }) => of()).find((of, i) => of !== before[i]);
      if (found != null) return found.position;
      await sleep(POLL_MS);
    }
  };
  const restart = async (round: number): Promise<void> => {
    for (const { name, restart: again } of rig.parts) {
      const how = round % 2 === 0 ? 'SIGTERM' : 'SIGKILL';
      say(`${((Date.now() - startedAt) / 1000).toFixed(0)} s: ${how} to ${name}`);
      await watch.restarting(`${name} ${how}`, async () => {
        await again(how);
        // A server's end can go unnoticed until there is something to compute.
        await rig.computed(await newPosition());
      });
    }
    samples = [];
  };
  const gapMs = (options.seconds * 500) / (options.restarts + 1);
  for (let round = 0; round < options.restarts; round++) {
    await sleep(Math.max(0, startedAt + gapMs * (round + 1) - Date.now()));
    await restart(round);
  }
  await sleep(Math.max(0, endsAt - Date.now()));

  clearInterval(sampling);
  clearInterval(lagging);
  const seen = samples;
  await Promise.all([
    ...loads.map((load) => load.stop()),
    ...producers.map((producer) => producer.stop()),
    ...changes,
  ]);
  for (const { restart: again } of rig.last) await again('SIGKILL');
  await untilLive(http);
  await checkEnd(rig, http, watch, truth);
  for (const client of grpc) client.close();
  http.close();
  return { watch, samples: seen, events: truth.total() };
};
