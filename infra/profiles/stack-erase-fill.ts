/**
 * What follows an erasure of the stack: the views whose state was dropped are computed again from
 * the log and the history, before any gateway may start, so that no read meets a half-filled one;
 * and views of others that had counted events of the entity are replayed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Platform } from '#domain/api/platform.ts';
import { closingAfter } from '#domain/closing.ts';
import type { Definition } from '#domain/definitions/model.ts';
import type { Remains } from '#domain/erasure/certificate.ts';
import { parseTopicPosition } from '#domain/ports/position.ts';
import { isFeaturesTopic, rawTopic } from '#domain/ports/topics.ts';
import { flinkCluster, LIVE_STATES } from '#infra/flink/cluster.ts';
import { computeGroup, computeJob, MATERIALIZE_GROUP } from '#infra/flink/sql/names.ts';
import { openBatchReader } from '#infra/kafka/copy/read-batches.ts';
import { openBatchWriter } from '#infra/kafka/copy/write-batches.ts';
import { openStackPlatform } from '#infra/profiles/stack.ts';
import type { StackOptions } from '#infra/profiles/stack-profile-options.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';
import { type RecomputedOne, type RecomputeSettings, recomputeViews } from './erase-others.ts';
import { generationNamed } from './stack-erase-derived.ts';

const POLL_MS = 200;
const STUCK_AFTER_MS = 5 * 60_000;

/**
 * Progress of jobs is shown by the offsets that they commit: of the jobs that start again from the
 * beginning, these are set back. No job may run.
 */
export const setBackProgress = (
  addresses: StackAddresses,
  jobs: readonly string[],
  definitions: readonly Definition[],
): Promise<void> =>
  closingAfter(async (opened) => {
    const kafka = { brokers: [addresses.kafka], clientId: 'millrace-erase' };
    const reader = openBatchReader(kafka);
    opened(reader.close);
    const writer = openBatchWriter(kafka);
    opened(writer.close);
    const topics = new Set(await reader.topics());
    const setBack = async (group: string, topic: string): Promise<void> => {
      if (!topics.has(topic)) return;
      const begins = await reader.begins(topic);
      await writer.commit(
        group,
        topic,
        begins.map(() => 0),
      );
    };
    const views = definitions.filter((one) => one.kind === 'feature-view');
    const names = views.map(({ name }) => name);
    for (const job of jobs) {
      const found = generationNamed(names, computeJob, job);
      if (found === null) continue;
      const sources = views.filter(({ name }) => name === found.view).map(({ source }) => source);
      for (const source of new Set(sources))
        await setBack(computeGroup(found.view, found.generation), rawTopic(source));
    }
    for (const topic of topics) if (isFeaturesTopic(topic)) await setBack(MATERIALIZE_GROUP, topic);
  });

type Status = Awaited<ReturnType<Platform['operations']['status']>>;

/** Whether stores have all that the source had for the view. */
const isCurrent = (
  { sources }: Status,
  { position, lag, job }: Status['views'][number],
): boolean => {
  if (job?.state !== 'RUNNING' || lag > 0 || !position.includes(':')) return false;
  const { topic, positions } = parseTopicPosition(position);
  const source = sources.find((one) => rawTopic(one.source) === topic);
  if (source === undefined || !source.position.includes(':')) return true;
  const ends = parseTopicPosition(source.position).positions;
  return ends.every((end) =>
    positions.some((at) => at.partition === end.partition && at.offset >= end.offset),
  );
};

type StuckView = Pick<Status['views'][number], 'view' | 'error'>;

/** @returns the views that made no progress */
const untilFilled = async (
  platform: Platform,
  { flink }: StackAddresses,
  views: ReadonlySet<string>,
  { stuckAfterMs = STUCK_AFTER_MS, onProgress }: FillOptions,
): Promise<readonly StuckView[]> => {
  const cluster = flinkCluster(flink);
  const readsHistory = async (): Promise<ReadonlySet<string>> => {
    const reading = new Set<string>();
    for (const { id, name, state } of await cluster.jobs()) {
      const of = LIVE_STATES.has(state) ? generationNamed(views, computeJob, name) : null;
      if (of !== null && !(await cluster.boundedSourcesFinished(id))) reading.add(of.view);
    }
    return reading;
  };
  let before = '';
  let since = performance.now();
  for (;;) {
    const status = await platform.operations.status();
    const reading = await readsHistory();
    const left = status.views.filter(
      (one) =>
        views.has(one.view) &&
        one.state !== 'filling' &&
        (reading.has(one.view) || !isCurrent(status, one)),
    );
    if (left.length === 0) return [];
    onProgress(`values of ${left.map(({ view }) => view).join(', ')}`);
    const now = JSON.stringify(
      left.map(({ view, lag, position, job }) => [view, lag, position, job]),
    );
    if (now !== before) since = performance.now();
    before = now;
    if (performance.now() - since >= stuckAfterMs) return left;
    await sleep(POLL_MS);
  }
};

export interface FillOptions extends Omit<RecomputeSettings, 'entityQuotas'> {
  readonly addresses: StackAddresses;
  readonly erasure: string;
  /** whether a text names the entity, which the certificate must not */
  readonly isInText: (text: string) => boolean;
  /** those that are computed again */
  readonly views: ReadonlySet<string>;
  /** views of others → how many events of their sources were erased */
  readonly others: Readonly<Record<string, number>>;
  readonly onProgress: (what: string) => void;
  readonly settings?: StackOptions['settings'];
}

/** Opens a platform on the servers, which no gateway may use. */
export const fillAgain = async (options: FillOptions): Promise<RecomputedOne> => {
  const { addresses, erasure, views, others, onProgress, stuckAfterMs } = options;
  const { auditAnchor, auditKey, settings, isInText } = options;
  const dataDirectory = mkdtempSync(join(tmpdir(), 'millrace-erase-'));
  const platform = await openStackPlatform({
    addresses,
    dataDirectory,
    auditAnchor,
    auditKey,
    warn: () => {},
    ...(settings === undefined ? {} : { settings }),
  });
  try {
    const stuck = await untilFilled(platform, addresses, views, options);
    const remains = stuck.map(
      ({ view, error }): Remains => ({
        what: `values of the view ${view} are not computed again yet`,
        why: `its job made no progress${error === null || isInText(error) ? '' : ` (${error})`}; the stores have nothing of the entity, and gateways go on with it: see \`millrace status\``,
      }),
    );
    const replayed = await recomputeViews(platform, {
      erasure,
      views: others,
      onProgress,
      stuckAfterMs,
    });
    return { recomputed: replayed.recomputed, remains: [...remains, ...replayed.remains] };
  } finally {
    await platform.close();
    rmSync(dataDirectory, { recursive: true, force: true });
  }
};
