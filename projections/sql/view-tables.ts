/**
 * The tables of a view: the values of its rollups, of the version that reads answer from.
 *
 * | table | rows |
 * |---|---|
 * | <view>_v<n> | of version n, the newest values of each entity |
 * | <view>_daily | the values of each entity at the end of each day |
 * | <view>_history | the values of each entity between their changes |
 */
import type { SqlTableColumn, SqlTableInfo, SqlTableRead, SqlTableRef } from '#domain/api/sql.ts';
import type { FeatureViewDefinition } from '#domain/definitions/model.ts';
import { MillraceError } from '#domain/errors.ts';
import { featureText } from '#domain/plan/feature-text.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { HistoryFiles, HistoryTables } from '#domain/ports/history.ts';
import type {
  HistoryNames,
  RolledUp,
  SqlFileColumn,
  SqlFiles,
  SqlTable,
} from '#domain/ports/sql-engine.ts';
import { keyColumn, takenColumn } from '#domain/rollups/rollup-columns.ts';
import {
  PERIOD_MS,
  ROLLUP_PERIODS,
  type RollupPeriod,
  rollupTopic,
} from '#domain/rollups/rollup-name.ts';
import { fieldType, formatFieldType } from '#domain/values/field-type.ts';
import { formatTime } from '#domain/values/time.ts';
import type { FieldType } from '#domain/values/value.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { freeName, icebergType } from './table-columns.ts';
import { type RollupRows, viewTable, viewTableNames } from './table-names.ts';

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

interface Described {
  readonly name: string;
  readonly type: FieldType;
  readonly description: string;
}

/** A table by its name, and the version whose values it has. */
interface Found {
  readonly of: RollupRows;
  readonly view: string;
  readonly version: number;
  readonly plan: ViewPlan;
  readonly definition: FeatureViewDefinition;
}

const TIME = fieldType('timestamp');
const INT = fieldType('int');

const OWN: readonly Described[] = [
  { name: 'version', type: INT, description: 'version of the view' },
  { name: 'generation', type: INT, description: 'generation that was live' },
  { name: 'written_at', type: TIME, description: 'the values count what was known then' },
];
const PERIOD: readonly Described[] = [
  { name: 'period_start', type: TIME, description: 'start of the period' },
  {
    name: 'period_end',
    type: TIME,
    description: 'end of the period: the values count the events before it',
  },
];

const featuresOf = ({ plan, definition }: Found): readonly Described[] =>
  plan.features.map(({ name, type }) => {
    const feature = definition.features[name];
    return {
      name,
      type: { ...type, nullable: true },
      description: feature?.description ?? (feature === undefined ? name : featureText(feature)),
    };
  });

const keysOf = ({ plan }: Found): readonly Described[] =>
  plan.keys.map(({ name, type }) => ({
    name: keyColumn(name),
    type,
    description: `entity key "${name}"`,
  }));

/** Of a history. Keys and features keep their names; what the platform adds makes way. */
const historyNames = (found: Found): HistoryNames => {
  const taken = new Set([...keysOf(found), ...featuresOf(found)].map(({ name }) => name));
  return {
    validFrom: freeName('valid_from', taken),
    validTo: freeName('valid_to', taken),
    knownFrom: freeName('known_from', taken),
    knownTo: freeName('known_to', taken),
  };
};

const historyColumns = (found: Found): readonly Described[] => {
  const { validFrom, validTo, knownFrom, knownTo } = historyNames(found);
  const time = (name: string, description: string) => ({ name, type: TIME, description });
  return [
    time(validFrom, 'the values hold from the end of this period on'),
    time(validTo, 'up to this time, exclusive; null: no later period was rolled up'),
    time(knownFrom, 'when the values were first written, and what was known then'),
    time(knownTo, 'when other values were written for the time; null: the values stand'),
  ];
};

/** The rollup's columns as they are stored; null ids where there is no table yet. */
const storedColumns = (found: Found, stored: HistoryFiles | null): readonly SqlFileColumn[] => {
  const replaced = { name: 'replaced_at', type: TIME };
  return [...keysOf(found), ...PERIOD, ...featuresOf(found), ...OWN, replaced].map(
    ({ name, type }) => {
      const column = stored?.columns.find((one) => one.name === name);
      return {
        name,
        fieldId: column?.id ?? null,
        type: column?.type ?? icebergType(type),
      };
    },
  );
};

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

const DESCRIPTIONS: Readonly<Record<RollupRows['rows'], (found: Found) => string>> = {
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

  const find = (name: string): Found | null => {
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
  const found = ({ name }: SqlTableRef): Found => find(name) as Found;

  const columnsOf = (table: Found): readonly Described[] =>
    table.of.rows === 'history'
      ? [...keysOf(table), ...featuresOf(table), ...historyColumns(table)]
      : [...keysOf(table), ...PERIOD, ...featuresOf(table), ...OWN];

  const filesOf = ({ view, version }: Found, every: RollupPeriod) =>
    history.tableFiles(rollupTopic({ view, version, every }));

  const rowsOf = (table: Found, stored: HistoryFiles | null): SqlFiles => ({
    columns: storedColumns(table, stored),
    files: stored?.files ?? [],
  });

  /** `every`: the table of which the position is */
  const tableOf = async (
    table: Found,
    known: number,
  ): Promise<
    Omit<SqlTable, 'name'> & { readonly stored: HistoryFiles | null; readonly every: RollupPeriod }
  > => {
    const day = await filesOf(table, 'day');
    if (table.of.rows === 'daily')
      return { ...rowsOf(table, day), rollup: { rows: 'daily', known }, stored: day, every: 'day' };
    const hour = await filesOf(table, 'hour');
    const hourIsNewer =
      (newestEnd(hour, known) ?? Number.NEGATIVE_INFINITY) >
      (newestEnd(day, known) ?? Number.NEGATIVE_INFINITY);
    const every = hour !== null && (day === null || hourIsNewer) ? 'hour' : 'day';
    const stored = every === 'hour' ? hour : day;
    if (table.of.rows === 'newest') {
      const rollup = { rows: 'newest', known, end: newestEnd(stored, known) } as const;
      return { ...rowsOf(table, stored), rollup, stored, every };
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
    return { ...rowsOf(table, shorter), rollup, stored, every };
  };

  const isRolledUp = async (view: string, version: number): Promise<boolean> => {
    for (const every of ROLLUP_PERIODS) {
      const topic = rollupTopic({ view, version, every });
      if ((await history.snapshot(topic).catch(() => null)) !== null) return true;
    }
    return false;
  };

  const describedColumns = (table: Found): readonly SqlTableColumn[] =>
    columnsOf(table).map(({ name, type, description }) => ({
      name,
      type: formatFieldType({ ...type, nullable: false }),
      description,
    }));

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
      const { stored, every, ...rest } = await tableOf(of, known);
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
