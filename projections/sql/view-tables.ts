/**
 * The tables of a view: the values of its rollups, of the version that reads answer from.
 *
 * | table | rows |
 * |---|---|
 * | <view>_v<n> | of version n, the newest values of each entity |
 * | <view>_daily | the values of each entity at the end of each day |
 * | <view>_history | the values of each entity between their changes |
 */
import type { SqlTableInfo, SqlTableRead, SqlTableRef } from '#domain/api/sql.ts';
import { MillraceError } from '#domain/errors.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { HistoryFiles, HistoryTables } from '#domain/ports/history.ts';
import type { RolledUp, SqlFiles, SqlTable } from '#domain/ports/sql-engine.ts';
import { takenColumn } from '#domain/rollups/rollup-columns.ts';
import {
  PERIOD_MS,
  ROLLUP_PERIODS,
  type RollupPeriod,
  rollupTopic,
} from '#domain/rollups/rollup-name.ts';
import { formatTime } from '#domain/values/time.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { storedTable } from './stored-table.ts';
import { type RollupRows, viewTable, viewTableNames } from './table-names.ts';
import {
  describedColumns,
  featuresOf,
  historyNames,
  keysOf,
  storedColumns,
  type ViewTable,
} from './view-columns.ts';

export interface ViewTablesDependencies {
  readonly catalog: Pick<Catalog, 'streams' | 'stream' | 'definition' | 'plan'>;
  readonly history: Pick<HistoryTables, 'tableFiles' | 'snapshot'>;
}

export interface ViewTables {
  /** Those of the present version, and of others that were rolled up. */
  readonly all: () => Promise<readonly SqlTableRef[]>;
  readonly isRegistered: (table: SqlTableRef) => boolean;
  readonly describe: (table: SqlTableRef) => SqlTableInfo;
  /** With what was written by the log time `known`. */
  readonly pin: (
    table: SqlTableRef,
    known: number,
  ) => Promise<{ readonly table: SqlTable; readonly read: SqlTableRead }>;
}

/** null: it is that of the newest row, or there is none */
const newestEnd = (stored: HistoryFiles | null, known: number): number | null =>
  stored === null || stored.snapshot.committedAt > known
    ? null
    : (stored.snapshot.periods?.at(-1)?.to ?? null);

/** Periods without rows have ends, too. */
const periodsOf = (
  stored: HistoryFiles | null,
  every: RollupPeriod,
  known: number,
): readonly RolledUp[] =>
  stored === null || stored.snapshot.committedAt > known
    ? []
    : (stored.snapshot.periods ?? []).map(({ from, to }) => ({
        from,
        to,
        everyMs: PERIOD_MS[every],
        shorter: every === 'hour',
      }));

const latest = (...ends: readonly (number | null)[]): number | null =>
  ends.reduce((a, b) => (a === null ? b : b === null ? a : Math.max(a, b)), null);

const DESCRIPTIONS: Readonly<Record<RollupRows['rows'], (found: ViewTable) => string>> = {
  newest: ({ view, version }) =>
    `the values of ${view}, version ${version}, at the end of the newest period that was rolled up`,
  daily: ({ view, version }) =>
    `the values of ${view}, version ${version}, at the end of each day that was rolled up`,
  history: ({ view, version }) =>
    `the values of ${view}, version ${version}, between their changes at the ends of periods`,
};

export const createViewTables = ({ catalog, history }: ViewTablesDependencies): ViewTables => {
  /** The version that reads answer from; the newest one while none does. */
  const presentVersion = (view: string): number | null => {
    const state = catalog.stream('feature-view', view)?.state;
    if (state === undefined) return null;
    const live = state.generations.find((one) => one.state === 'live')?.version;
    return live ?? state.versions.at(-1)?.version ?? null;
  };

  /** null: its source was changed by force, and does not fit it any more */
  const planOf = (view: string, version: number): ViewPlan | null => {
    try {
      return catalog.plan(view, version);
    } catch (error) {
      if (error instanceof MillraceError) return null;
      throw error;
    }
  };

  const find = (name: string): ViewTable | null => {
    const of = viewTable(name);
    if (of === null) return null;
    const { view } = of;
    const version = of.rows === 'newest' ? of.version : presentVersion(view);
    if (version === null) return null;
    const definition = catalog.definition('feature-view', view, version);
    if (definition === null) return null;
    const plan = planOf(view, version);
    return plan !== null && takenColumn(plan.keys, plan.features) === null
      ? { of, view, version, plan, definition }
      : null;
  };
  const found = ({ name }: SqlTableRef): ViewTable => find(name) as ViewTable;

  const filesOf = ({ view, version }: ViewTable, every: RollupPeriod) =>
    history.tableFiles(rollupTopic({ view, version, every }));

  const rowsOf = (table: ViewTable, stored: HistoryFiles | null): SqlFiles => ({
    columns: storedColumns(table, stored),
    files: stored?.files ?? [],
    stored: storedTable(stored),
  });

  /** `every`: the table of which the position is */
  const tableOf = async (
    table: ViewTable,
    known: number,
  ): Promise<
    Omit<SqlTable, 'name'> & { readonly history: HistoryFiles | null; readonly every: RollupPeriod }
  > => {
    const day = await filesOf(table, 'day');
    if (table.of.rows === 'daily')
      return {
        ...rowsOf(table, day),
        rollup: { rows: 'daily', known },
        history: day,
        every: 'day',
      };
    const hour = await filesOf(table, 'hour');
    const hourIsNewer =
      (newestEnd(hour, known) ?? Number.NEGATIVE_INFINITY) >
      (newestEnd(day, known) ?? Number.NEGATIVE_INFINITY);
    const every = hour !== null && (day === null || hourIsNewer) ? 'hour' : 'day';
    const stored = every === 'hour' ? hour : day;
    if (table.of.rows === 'newest') {
      const rollup = { rows: 'newest', known, end: newestEnd(stored, known) } as const;
      return { ...rowsOf(table, stored), rollup, history: stored, every };
    }
    const [shorter, longer] = hour === null ? [day, null] : [hour, day];
    const rollup = {
      rows: 'history',
      known,
      keys: keysOf(table).map(({ name }) => name),
      features: featuresOf(table).map(({ name }) => name),
      names: historyNames(table),
      longer: longer === null ? null : rowsOf(table, longer),
      periods:
        hour === null ? [] : [...periodsOf(hour, 'hour', known), ...periodsOf(day, 'day', known)],
      newest: latest(newestEnd(day, known), newestEnd(hour, known)),
    } as const;
    return { ...rowsOf(table, shorter), rollup, history: stored, every };
  };

  const isRolledUp = async (view: string, version: number): Promise<boolean> => {
    for (const every of ROLLUP_PERIODS) {
      const topic = rollupTopic({ view, version, every });
      if ((await history.snapshot(topic).catch(() => null)) !== null) return true;
    }
    return false;
  };

  return {
    async all() {
      const views = catalog.streams('feature-view').map(async ({ name: of, state }) => {
        const present = presentVersion(of);
        const versions = await Promise.all(
          state.versions.map(async ({ version }) =>
            version === present || (await isRolledUp(of, version)) ? [version] : [],
          ),
        );
        return viewTableNames(of, versions.flat())
          .filter((name) => find(name) !== null)
          .map((name) => ({ name, kind: 'feature-view' as const, of }));
      });
      return (await Promise.all(views)).flat();
    },
    isRegistered: ({ name }) => find(name) !== null,
    describe(table) {
      const of = found(table);
      return {
        ...table,
        description: DESCRIPTIONS[of.of.rows](of),
        columns: describedColumns(of),
      };
    },
    async pin(table, known) {
      const of = found(table);
      const { history: stored, every, ...rest } = await tableOf(of, known);
      const topic = rollupTopic({ view: of.view, version: of.version, every });
      const end = newestEnd(stored, known);
      return {
        table: { name: table.name, ...rest },
        read: {
          name: table.name,
          position: end === null ? topic : `${topic}@${formatTime(end)}`,
          snapshot: stored === null ? null : String(stored.snapshot.id),
        },
      };
    },
  };
};
