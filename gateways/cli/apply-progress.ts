/**
 * What `apply` says while it takes long, and while new views are filled: what the platform does,
 * for which view. On the stack profile the jobs of a view start after the answer.
 */
import type { EngineJob, PlatformStatus } from '#domain/api/operations.ts';
import type { PlannedChange } from '#domain/api/registry.ts';
import { fail } from '#domain/errors.ts';
import type { Context } from './context.ts';

/** since the start of the process; an answer that comes soon needs no line */
const FIRST_LINE_MS = 1_200;
const SOON_MS = 400;
const EVERY_MS = 2_000;
const POLL_MS = 500;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const BUILDS = ['create', 'revise', 'restore'] as const;

type ViewStatus = PlatformStatus['views'][number];
type Jobs = readonly EngineJob[] | undefined;

const jobText = ({ name, state, doing }: EngineJob): string => `${name}: ${doing ?? state}`;

/** The job of the view, and what is done with those that serve all views. */
const jobsText = (job: EngineJob | undefined, jobs: Jobs): string =>
  [...(job === undefined ? [] : [job]), ...(jobs ?? []).filter(({ doing }) => doing !== undefined)]
    .map(jobText)
    .join('; ');

export const viewText = (
  { view, state, readable, lag, error, job }: ViewStatus,
  jobs: Jobs,
): string => {
  if (error !== null) return `view ${view} does not compute: ${error}`;
  if (state === 'live') return `view ${view} is live`;
  const details = [
    ...(lag > 0 ? [`${lag} to read`] : []),
    ...(job === undefined && jobs === undefined ? [] : [jobsText(job, jobs)]),
  ].filter((text) => text !== '');
  const what = readable ? 'can be read, from raw events until it is filled' : 'is being filled';
  return `view ${view} ${what}${details.length === 0 ? '' : ` (${details.join('; ')})`}`;
};

/** Says every two seconds what `work` is and how long it takes, if it takes longer than one. */
export const announcing = async <T>(
  { message }: Pick<Context, 'message'>,
  doing: string,
  work: Promise<T>,
): Promise<T> => {
  const started = Date.now();
  const say = (): void =>
    message(`${doing}: ${Math.round((Date.now() - started) / 1000)} s so far`);
  let timer = setTimeout(
    () => {
      message(doing);
      timer = setInterval(say, EVERY_MS);
    },
    Math.max(SOON_MS, FIRST_LINE_MS - process.uptime() * 1000),
  );
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
};

export const changedViews = (changes: readonly PlannedChange[]): readonly string[] =>
  changes
    .filter(
      ({ kind, action }) =>
        kind === 'feature-view' && (BUILDS as readonly string[]).includes(action),
    )
    .map(({ name }) => name);

interface Progress {
  /** those that are not live */
  readonly views: readonly ViewStatus[];
  /** those that the caller may not see */
  readonly hidden: readonly string[];
  readonly jobs: Jobs;
}

const progressOf = async (
  { client }: Pick<Context, 'client'>,
  names: readonly string[],
): Promise<Progress> => {
  const { views, jobs } = await client.get<PlatformStatus>('/v1/status');
  const mine = views.filter(({ view }) => names.includes(view));
  return {
    jobs,
    views: mine.filter(({ state }) => state !== 'live'),
    hidden: names.filter((name) => !mine.some(({ view }) => view === name)),
  };
};

/** Says once which of these views are not live yet. */
export const sayUnfinished = async (context: Context, names: readonly string[]): Promise<void> => {
  if (names.length === 0) return;
  // They are applied: without a right to the status, there is nothing more to say.
  const found = await progressOf(context, names).catch(() => null);
  for (const view of found?.views ?? []) context.message(viewText(view, found?.jobs));
};

/**
 * Waits until tiles answer for these views; says what happens, at each change and every two
 * seconds.
 * @throws MR_ENGINE_FAILED if one does not compute
 */
export const untilLive = async (context: Context, names: readonly string[]): Promise<void> => {
  let said = '';
  let saidAt = 0;
  let unseen: readonly string[] = [];
  for (;;) {
    const { views, hidden, jobs } = await progressOf(context, names);
    unseen = hidden;
    const broken = views.find(({ error }) => error !== null);
    if (broken !== undefined)
      return fail('MR_ENGINE_FAILED', viewText(broken, jobs), { view: broken.view });
    if (views.length === 0) break;
    const text = views.map((view) => viewText(view, jobs)).join('\n');
    if (text !== said || Date.now() - saidAt >= EVERY_MS) {
      context.message(text);
      [said, saidAt] = [text, Date.now()];
    }
    await sleep(POLL_MS);
  }
  for (const name of names)
    context.message(
      unseen.includes(name)
        ? `view ${name} is applied; its progress needs the right to operate it`
        : `view ${name} is live`,
    );
};
