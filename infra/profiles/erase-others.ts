/**
 * The present values of other entities after an erasure. An event can belong to two entities, as a
 * purchase does to a buyer and a shop: the shop's value still counts it. Each view that had such
 * events is replayed whole and promoted, and the generations that a rollback would restore are
 * retired. What cannot be, such as a version that a service is pinned to, is named.
 *
 * A run that was killed is continued: the replay's reason names the erasure, and how many events
 * of the view's source it has removed so far.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Caller } from '#domain/api/caller.ts';
import type { Platform } from '#domain/api/platform.ts';
import type { ReplayStatus } from '#domain/api/replays.ts';
import type { RecomputedView, Remains } from '#domain/erasure/certificate.ts';
import type { ErasureScope } from '#domain/erasure/scope.ts';
import { messageOf } from '#domain/error-message.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import { type EmbeddedOptions, startEmbedded } from '#infra/profiles/embedded.ts';

/** The rights to erase were checked, and no approval is needed for values to be right again. */
const PLATFORM: Caller = { actor: 'millrace', approval: 'erasure' };
const POLL_MS = 20;
/** A replay that computes nothing for so long, as with a full disk, is given up. */
const STUCK_AFTER_MS = 5 * 60_000;

const refusalOf = (error: unknown): MillraceError => {
  if (error instanceof MillraceError && error.status < 500) return error;
  throw error;
};

/** The replay once it is filled, or has made no progress for the time. */
const filled = async (
  { replays }: Pick<Platform, 'replays'>,
  id: string,
  stuckAfterMs: number,
): Promise<ReplayStatus> => {
  let events = -1;
  let since = performance.now();
  for (;;) {
    const status = await replays.get(id);
    if (status.state !== 'filling') return status;
    if (status.events !== events) {
      events = status.events;
      since = performance.now();
    } else if (performance.now() - since >= stuckAfterMs) return status;
    await sleep(POLL_MS);
  }
};

/** What cannot be stored now, because the disk is full, is left for `millrace replay abandon`. */
const giveUp = async (
  platform: Pick<Platform, 'replays' | 'operations'>,
  { id, view, error }: ReplayStatus,
): Promise<string> => {
  const { views } = await platform.operations.status();
  const cause = error ?? views.find((one) => one.view === view && one.error !== null)?.error;
  const because = cause == null ? '' : ` (${cause})`;
  const stuck = `replay ${id} made no progress${because}. Correct the cause, then run the erasure again`;
  try {
    await platform.replays.change(id, 'abandon', {}, PLATFORM);
    return stuck;
  } catch (abandoning) {
    return `${stuck}; the replay could not be abandoned: ${messageOf(abandoning)}`;
  }
};

/** The replay of this reason that is live, or can still be. */
const replayOf = async (
  { replays }: Pick<Platform, 'replays'>,
  view: string,
  reason: string,
): Promise<ReplayStatus> => {
  const usable = ['filling', 'ready', 'promoted'];
  const begun = (await replays.list()).find(
    (one) => one.view === view && one.reason === reason && usable.includes(one.state),
  );
  return begun ?? replays.start({ view, reason }, PLATFORM);
};

/** Retires what a rollback would restore; the refusal, where a service still reads it. */
const retireEarlier = async (
  { replays }: Pick<Platform, 'replays'>,
  id: string,
): Promise<MillraceError | null> => {
  for (;;)
    try {
      await replays.change(id, 'retire', {}, PLATFORM);
    } catch (error) {
      const refusal = refusalOf(error);
      return refusal.code === 'MR_REPLAY_STATE' ? null : refusal;
    }
};

const stays = (view: string, which: string, why: string): Remains => ({
  what: `values of other entities of the view ${view}, ${which}`,
  why: `they still count events of the entity: ${why}`,
});

/** Views of others → how many events of their sources were erased, over all runs. */
export const othersOf = (
  { otherViews }: Pick<ErasureScope, 'otherViews'>,
  records: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> =>
  Object.fromEntries(
    [...otherViews]
      .map(([view, topics]) => [view, topics.reduce((n, topic) => n + (records[topic] ?? 0), 0)])
      .filter(([, events]) => (events as number) > 0),
  );

/** A replay is a commit of the registry: its audit record must be signed as those before it. */
export const refuseUnsigned = (): never =>
  fail(
    'MR_REFUSED',
    'the audit log is signed, and the erasure may replay views of other entities, whose records must be signed too. Nothing was erased: run it again with --audit-key-file, the file that `serve` has',
  );

export interface RecomputedOne {
  readonly recomputed: readonly RecomputedView[];
  readonly remains: readonly Remains[];
}

/** Replays one view, and promotes the result. */
export const recompute = async (
  platform: Pick<Platform, 'replays' | 'operations'>,
  view: string,
  { reason, stuckAfterMs }: { readonly reason: string; readonly stuckAfterMs: number },
): Promise<RecomputedOne> => {
  let replay: ReplayStatus;
  try {
    replay = await filled(platform, (await replayOf(platform, view, reason)).id, stuckAfterMs);
    if (replay.state === 'filling')
      return { recomputed: [], remains: [stays(view, 'all', await giveUp(platform, replay))] };
    if (replay.state === 'ready')
      replay = await platform.replays.change(replay.id, 'promote', {}, PLATFORM);
  } catch (error) {
    return { recomputed: [], remains: [stays(view, 'all', refusalOf(error).message)] };
  }
  const { id, generation, state, error } = replay;
  if (state !== 'promoted')
    return { recomputed: [], remains: [stays(view, 'all', error ?? `replay ${id} is ${state}`)] };
  const refused = await retireEarlier(platform, id);
  const others = (await platform.replays.list()).filter(
    (one) => one.view === view && one.id !== id && ['filling', 'ready'].includes(one.state),
  );
  return {
    recomputed: [{ view, generation }],
    remains: [
      ...(refused === null ? [] : [stays(view, 'earlier generations', refused.message)]),
      ...others.map((one) =>
        stays(
          view,
          `generation ${one.generation}`,
          `it was filled before: abandon it with \`millrace replay abandon ${one.id}\``,
        ),
      ),
      {
        what: `earlier feature updates of other entities of the view ${view}`,
        why: 'the log and the history keep them as the record of what was computed then; reads do not use them any more',
      },
    ],
  };
};

/** What the platform that computes the values has in common with the one that serves them. */
export interface RecomputeSettings
  extends Pick<EmbeddedOptions, 'auditAnchor' | 'auditKey' | 'entityQuotas'> {
  /** a replay without progress for so long is abandoned, and named; default 5 minutes */
  readonly stuckAfterMs?: number;
}

export interface RecomputeViews {
  readonly erasure: string;
  /** view → how many events of its source were erased */
  readonly views: Readonly<Record<string, number>>;
  readonly onProgress: (what: string) => void;
  readonly stuckAfterMs?: number | undefined;
}

export const recomputeViews = async (
  platform: Pick<Platform, 'replays' | 'operations'>,
  { erasure, views, onProgress, stuckAfterMs = STUCK_AFTER_MS }: RecomputeViews,
): Promise<RecomputedOne> => {
  const all: RecomputedOne[] = [];
  for (const [view, events] of Object.entries(views)) {
    onProgress(`values of others: ${view}`);
    const reason = `erasure ${erasure} of ${events} events`;
    all.push(await recompute(platform, view, { reason, stuckAfterMs }));
  }
  return {
    recomputed: all.flatMap(({ recomputed }) => recomputed),
    remains: all.flatMap(({ remains }) => remains),
  };
};

interface RecomputeOptions extends Omit<RecomputeViews, 'stuckAfterMs'> {
  readonly dataDirectory: string;
  readonly now: () => number;
  readonly settings: RecomputeSettings;
}

/** Opens a platform on the directory, which no other may run on. */
export const recomputeOthers = async ({
  dataDirectory,
  now,
  settings: { stuckAfterMs, ...settings },
  ...views
}: RecomputeOptions): Promise<RecomputedOne> => {
  if (Object.keys(views.views).length === 0) return { recomputed: [], remains: [] };
  const platform = await startEmbedded({
    ...settings,
    dataDirectory,
    now,
    warn: () => {},
    historyEveryMs: 0,
    keepLogMs: null,
  });
  try {
    return await recomputeViews(platform, { ...views, stuckAfterMs });
  } finally {
    await platform.close();
  }
};
