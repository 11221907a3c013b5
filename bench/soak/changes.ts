/**
 * The changes that people make to a running platform: revisions, compatible and breaking; replays
 * that are compared, promoted, rolled back and abandoned; data sets.
 */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, Wrong } from './errors.ts';
import type { Http } from './http.ts';
import type { Watch } from './watch.ts';
import { evolving, nameOf, type Truth, USERS } from './world.ts';

const POLL_MS = 200;
const RETRY_MS = 300;

interface Replay {
  readonly id: string;
  readonly view: string;
  readonly generation: number;
  readonly state: string;
}
interface Comparison {
  readonly features: readonly { readonly name: string; readonly differing: number }[];
}

interface Changing {
  readonly http: Http;
  readonly watch: Watch;
  readonly truth: Truth;
  readonly running: () => boolean;
  readonly atOnce: boolean;
}

/** Tries until it succeeds, because a restart may interrupt it. Null: the soak has ended. */
const until = async <T>(
  { watch, running }: Changing,
  kind: string,
  run: () => Promise<T | null>,
): Promise<T | null> => {
  while (running()) {
    const done = await watch.operation(kind, performance.now(), run);
    if (done !== null) return done;
    await sleep(RETRY_MS);
  }
  return null;
};

const replayIn = (
  changing: Changing,
  states: readonly string[],
  id: string,
): Promise<Replay | null> =>
  until(changing, 'replay status', async () => {
    const replay = await changing.http.get<Replay>(`/v1/replays/${id}`);
    if (states.includes(replay.state)) return replay;
    if (replay.state === 'failed')
      throw new Wrong(`replay ${id} has failed: ${JSON.stringify(replay)}`);
    await sleep(POLL_MS);
    return null;
  });

/** If the answer to a change was lost, the state tells whether the change was made. */
const change = async (
  changing: Changing,
  id: string,
  action: string,
  done: readonly string[],
): Promise<void> => {
  await until(changing, action, async () => {
    const { state } = await changing.http.get<Replay>(`/v1/replays/${id}`);
    if (done.includes(state)) return true;
    await changing.http.post(`/v1/replays/${id}/${action}`, { reason: 'soak' });
    return true;
  });
  changing.watch.changed();
};

/**
 * Retires generations that are kept for a rollback and not needed, because each takes memory. The
 * first has no replay, so that commands name them.
 */
const retireOthers = async (
  changing: Changing,
  live: number,
  retired: Set<number>,
): Promise<void> => {
  for (let generation = 1; generation < live; generation++) {
    if (retired.has(generation)) continue;
    await until(changing, 'replay retire', async () => {
      await changing.http
        .post('/v1/commands', {
          type: 'RetireReplay',
          data: { view: 'evolving', generation },
          reason: 'soak',
        })
        .catch((error: unknown) => {
          // abandoned, or retired while the answer was lost
          if (codeOf(error) !== 'MR_REPLAY_STATE') throw error;
        });
      return true;
    });
    retired.add(generation);
  }
};

const oneReplay = async (
  changing: Changing,
  cycle: number,
  retired: Set<number>,
): Promise<void> => {
  const { http } = changing;
  const started = await until(changing, 'replay start', async () => {
    const left = (await http.get<Replay[]>('/v1/replays')).find(
      ({ state }) => state === 'filling' || state === 'ready',
    );
    return left ?? http.post<Replay>('/v1/replays', { view: 'evolving', reason: `soak ${cycle}` });
  });
  if (started === null) return;
  const { id } = started;
  if (cycle % 4 === 3) return change(changing, id, 'abandon', ['abandoned']);
  if ((await replayIn(changing, ['ready'], id)) === null) return;
  await until(changing, 'replay compare', async () => {
    const compared = await http.get<Comparison>(`/v1/replays/${id}/compare`);
    const events = compared.features.find(({ name }) => name === 'events');
    // The live and the candidate generation take events one after the other, so a count may be
    // higher in one of them for a moment, but never in all. Where they are read from the log one
    // after the other, all may have advanced in between.
    if (changing.atOnce && events !== undefined && events.differing === USERS)
      throw new Wrong(`every count of replay ${id} differs`);
    return true;
  });
  await change(changing, id, 'promote', ['promoted']);
  if (cycle % 3 === 2) {
    await change(changing, id, 'rollback', ['rolled-back']);
    await change(changing, id, 'promote', ['promoted']);
  }
  await retireOthers(changing, started.generation, retired);
};

export const keepChanging = async (changing: Changing, everyMs: number): Promise<void> => {
  const retired = new Set<number>();
  for (let cycle = 1; changing.running(); cycle++) {
    const began = Date.now();
    const view = JSON.parse(JSON.stringify(evolving(cycle))) as unknown;
    await until(changing, 'apply', () =>
      changing.http.post('/v1/apply', {
        definitions: [view],
        reason: `soak ${cycle}`,
        force: true,
      }),
    );
    changing.watch.changed();
    await oneReplay(changing, cycle, retired);
    while (changing.running() && Date.now() - began < everyMs) await sleep(POLL_MS);
  }
};

interface Dataset {
  readonly id: string;
  readonly state: string;
}

/** Training sets in the background: each row counts the events up to its time. */
const oneDataset = async ({ http, truth }: Changing): Promise<void> => {
  const at = Date.now() - 1_000;
  const users = Array.from({ length: USERS }, (_, user) => user);
  const least = users.map((user) => truth.within('acked', user, 0, at));
  const rows = users.map((user) => ({ user: nameOf(user), event_timestamp: at }));
  const out = join(tmpdir(), `millrace-soak-${process.pid}.csv`);
  const started = await http.post<Dataset>('/v1/datasets', {
    view: 'totals',
    spine: { rows },
    mode: 'event-time',
    out,
    overwrite: true,
  });
  for (;;) {
    const { state } = await http.get<Dataset>(`/v1/datasets/${started.id}`);
    if (state === 'done') break;
    if (state !== 'running')
      throw Object.assign(new Error(`the data set is ${state}`), { code: 'MR_DATASET_FAILED' });
    await sleep(POLL_MS);
  }
  const [head, ...lines] = (await http.text(`/v1/datasets/${started.id}/data`))
    .trim()
    .split('\n') as [string, ...string[]];
  await rm(out, { force: true });
  const column = head.split(',').findIndex((name) => name.endsWith('events'));
  if (lines.length !== USERS || column < 0)
    throw new Wrong(`the data set has ${lines.length} rows for ${USERS}, and columns ${head}`);
  lines.forEach((line, user) => {
    const n = Number(line.split(',')[column]);
    const most = truth.within('issued', user, 0, at);
    if (n < (least[user] as number) || n > most)
      throw new Wrong(
        `the data set counts ${n} of ${nameOf(user)}: from ${least[user]} to ${most} were possible`,
      );
  });
};

export const keepMakingDatasets = async (changing: Changing, everyMs: number): Promise<void> => {
  while (changing.running()) {
    await changing.watch.operation('data set', performance.now(), () => oneDataset(changing));
    for (const until = Date.now() + everyMs; changing.running() && Date.now() < until; )
      await sleep(POLL_MS);
  }
};
