/**
 * Rollups: a view's values at the end of each period, computed by a batch job of Flink from the
 * durable tier's tiles into an Iceberg table. A repeated rollup replaces the days that it writes,
 * and then includes late events.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { RollupRequest, RollupResult } from '#domain/api/datasets.ts';
import { fail } from '#domain/errors.ts';
import type { PlannedFeature, ViewPlan } from '#domain/plan/plan.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import type { Log } from '#domain/ports/log.ts';
import { ceilTo, floorTo, type PeriodRange } from '#domain/rollups/periods.ts';
import {
  PERIOD_MS,
  ROLLUP_PERIODS,
  type RollupName,
  rollupTopic,
} from '#domain/rollups/rollup-name.ts';
import { functionsSql } from '#domain/sql/flink/java-functions.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { openSession } from '#infra/shared/flink/sql-gateway.ts';
import { decodeBound } from '#infra/shared/iceberg/bounds.ts';
import { ensureTable } from '#infra/shared/iceberg/ensure-table.ts';
import { type PinnedFile, tableReader } from '#infra/shared/iceberg/pinned-table.ts';
import { rollupColumns } from '#infra/shared/iceberg/rollup-columns.ts';
import { typeName } from '#infra/shared/iceberg/schema.ts';
import { tableDirectory } from '#infra/shared/iceberg/table-directory.ts';
import type { FlinkCluster } from './cluster.ts';
import { createFills, type Fills } from './fills.ts';
import type { FlinkGeneration } from './generation.ts';
import { icebergColumnsSql } from './iceberg-columns.ts';
import type { FlinkJobs } from './jobs.ts';
import { rollupTable } from './sql/names.ts';
import { forgetSql, notInTiles, rollupSql } from './sql/rollup.ts';
import { catalogsSql } from './sql/tables.ts';

export interface RollupOptions {
  /** the directory of Iceberg's tables */
  readonly tables: Directory;
  readonly warehouse: { readonly paimon: string; readonly iceberg: string };
  readonly gateway: string;
  readonly now: () => number;
  readonly log: Log;
  readonly jobs: FlinkJobs;
  readonly cluster: FlinkCluster;
}

/** A rollup's table, as an entry in the list of a view's materializations. */
export interface RollupTable {
  readonly store: string;
  readonly location: string;
  readonly position: string;
  readonly job: string;
}

/** Not among the jobs that follow the registry: this one ends by itself. */
const ROLLUP_JOB = 'rollup';
const SETTLE_MS = 60_000;
const POLL_MS = 200;

const DAY_MS = PERIOD_MS.day;

/**
 * The whole days that have only ended periods.
 * @throws MR_PARAMETER_INVALID where there is none
 */
const rangeOf = ({ every, from, to }: RollupRequest, now: number): PeriodRange => {
  const step = PERIOD_MS[every];
  const over = floorTo(now, step);
  const last = Math.min(ceilTo(to ?? over, DAY_MS), over);
  const first = floorTo(from ?? last - step, DAY_MS);
  if (first < last) return { from: first, to: last };
  const text = (time: number): string => new Date(time).toISOString();
  return fail(
    'MR_PARAMETER_INVALID',
    `no ${every} has ended between ${text(from ?? first)} and ${text(to ?? last)}: the last one ended at ${text(over)}`,
    { from: from ?? first, to: to ?? last },
  );
};

/**
 * @throws MR_REFUSED where one of them cannot be computed from the tiles; the message names it and
 * the features that can
 */
const featuresOf = (
  plan: ViewPlan,
  { every, features: names }: RollupRequest,
): readonly PlannedFeature[] => {
  for (const name of names ?? [])
    if (!plan.features.some((feature) => feature.name === name))
      fail('MR_NOT_FOUND', `the view "${plan.view}" has no feature "${name}"`, {
        view: plan.view,
        feature: name,
      });
  const requested = plan.features.filter(({ name }) => names === undefined || names.includes(name));
  const refused = requested.flatMap((feature) => notInTiles(plan, feature, every) ?? []);
  if (requested.length > 0 && refused.length === 0) return requested;
  const possible = plan.features
    .filter((feature) => notInTiles(plan, feature, every) === null)
    .map(({ name }) => name);
  return fail(
    'MR_REFUSED',
    `no rollup of "${plan.view}" by ${every}: ${refused.join('; ')}${possible.length === 0 ? '' : `; leave them out: --features ${possible.join(' ')}`}`,
    { view: plan.view, possible },
  );
};

/** The tables of the rollups of a view's version. */
export const rollupsOf = async (
  tables: Directory,
  { view, version }: Omit<RollupName, 'every'>,
): Promise<readonly RollupTable[]> => {
  const found: RollupTable[] = [];
  for (const every of ROLLUP_PERIODS) {
    const of = { view, version, every };
    const table = await tableReader(tableDirectory(tables, rollupTopic(of))).pin();
    const days = table?.files.flatMap(({ day }) => day ?? []) ?? [];
    if (days.length === 0) continue;
    const newest = days.reduce((a, b) => Math.max(a, b));
    const location = rollupTable(of).replaceAll('`', '');
    found.push({
      store: 'iceberg',
      location,
      position: `days up to ${new Date(newest * DAY_MS).toISOString().slice(0, 10)}`,
      job: ROLLUP_JOB,
    });
  }
  return found;
};

/** Waits until every event that the log has now is computed and in the durable tier. */
const settled = async (generation: FlinkGeneration, fills: Fills): Promise<void> => {
  for (
    const deadline = Date.now() + SETTLE_MS;
    !(await fills.isFilled(generation));
    await sleep(POLL_MS)
  )
    if (Date.now() > deadline)
      fail(
        'MR_ENGINE_UNAVAILABLE',
        `the tiles of "${generation.spec.view}" were not up to date within ${SETTLE_MS / 1000} s: see the jobs in \`millrace status\``,
        { view: generation.spec.view },
      );
  fills.forget(generation);
};

const filesOf = async (
  directory: Directory,
  { from, to }: PeriodRange,
): Promise<readonly PinnedFile[]> =>
  ((await tableReader(directory).pin())?.files ?? []).filter(
    ({ day }) => day !== null && day * DAY_MS >= from && day * DAY_MS < to,
  );

/**
 * Number of files of the range that an earlier rollup wrote. They are of days that have no rows any
 * more, which overwriting does not touch.
 */
const leftFrom = async (
  directory: Directory,
  range: PeriodRange,
  writtenAt: number,
): Promise<number> => {
  const table = await tableReader(directory).pin();
  const written = table?.fields.find(({ name }) => name === 'written_at');
  if (written === undefined) return 0;
  const before = ({ file }: PinnedFile): boolean => {
    const bound = file.upper_bounds?.find(({ key }) => key === written.id);
    return bound !== undefined && Number(decodeBound(typeName(written), bound.value)) < writtenAt;
  };
  return (await filesOf(directory, range)).filter(before).length;
};

/** Writes the values of the events that the log has when it starts. */
export const rollUp = async (
  options: RollupOptions,
  running: FlinkGeneration,
  request: RollupRequest,
): Promise<RollupResult> => {
  const { tables, warehouse, gateway, now } = options;
  const { plan, version, generation } = running.spec;
  const { every } = request;
  const features = featuresOf(plan, request);
  const range = rangeOf(request, now());
  // Each rollup has its own fills, so that two at once do not disturb each other.
  await settled(running, createFills(options));
  const of = { view: plan.view, version, every };
  const topic = rollupTopic(of);
  const directory = tableDirectory(tables, topic);
  const columns = rollupColumns({ keys: plan.keys, features });
  const changes = await ensureTable({
    table: directory,
    name: topic,
    columns,
    partitionBy: 'period_start',
    now,
    openDuckDb,
    ofNoTopic: true,
  });
  const table = rollupTable(of);
  const writtenAt = now();
  const sql = rollupSql({ plan, version, generation, features, every, ...range, writtenAt });
  const session = await openSession(gateway, {
    'execution.runtime-mode': 'batch',
    'parallelism.default': '1',
    'pipeline.name': `${ROLLUP_JOB} ${plan.view} by ${every}`,
    'table.local-time-zone': 'UTC',
    'table.dml-sync': 'true',
    // The default sink loses rows of bounded jobs whose writers end at different times.
    'table.exec.iceberg.use-v2-sink': 'true',
  });
  try {
    for (const setup of [
      ...catalogsSql(warehouse),
      ...icebergColumnsSql(table, changes),
      ...functionsSql([sql, forgetSql(warehouse.iceberg, topic, range, writtenAt)]),
    ])
      await session.run(setup);
    await session.run(sql);
    const left = await leftFrom(directory, range, writtenAt);
    if (left > 0) await session.run(forgetSql(warehouse.iceberg, topic, range, writtenAt));
  } finally {
    await session.close();
  }
  const written = await filesOf(directory, range);
  const rows = written.reduce((sum, { file }) => sum + file.record_count, 0);
  const names = features.map(({ name }) => name);
  return {
    view: plan.view,
    version,
    generation,
    every,
    ...range,
    features: names,
    table: table.replaceAll('`', ''),
    rows,
  };
};
