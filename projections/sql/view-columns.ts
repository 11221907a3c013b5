/** The columns of a view's tables: keys, periods, features, and what the platform adds. */
import type { SqlTableColumn } from '#domain/api/sql.ts';
import type { FeatureViewDefinition } from '#domain/definitions/model.ts';
import { featureText } from '#domain/plan/feature-text.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { HistoryFiles } from '#domain/ports/history.ts';
import type { HistoryNames, SqlFileColumn } from '#domain/ports/sql-engine.ts';
import { keyColumn } from '#domain/rollups/rollup-columns.ts';
import { fieldType, formatFieldType } from '#domain/values/field-type.ts';
import type { FieldType } from '#domain/values/value.ts';
import { freeName, icebergType } from './table-columns.ts';
import type { RollupRows } from './table-names.ts';

interface Described {
  readonly name: string;
  readonly type: FieldType;
  readonly description: string;
}

/** A table by its name, and the version whose values it has. */
export interface ViewTable {
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

export const featuresOf = ({ plan, definition }: ViewTable): readonly Described[] =>
  plan.features.map(({ name, type }) => {
    const feature = definition.features[name];
    return {
      name,
      type: { ...type, nullable: true },
      description: feature?.description ?? (feature === undefined ? name : featureText(feature)),
    };
  });

export const keysOf = ({ plan }: ViewTable): readonly Described[] =>
  plan.keys.map(({ name, type }) => ({
    name: keyColumn(name),
    type,
    description: `entity key "${name}"`,
  }));

/** Of a history. Keys and features keep their names; what the platform adds makes way. */
export const historyNames = (found: ViewTable): HistoryNames => {
  const taken = new Set([...keysOf(found), ...featuresOf(found)].map(({ name }) => name));
  return {
    validFrom: freeName('valid_from', taken),
    validTo: freeName('valid_to', taken),
    knownFrom: freeName('known_from', taken),
    knownTo: freeName('known_to', taken),
  };
};

const historyColumns = (found: ViewTable): readonly Described[] => {
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
export const storedColumns = (
  found: ViewTable,
  stored: HistoryFiles | null,
): readonly SqlFileColumn[] => {
  const replaced = { name: 'replaced_at', type: TIME };
  return [...keysOf(found), ...PERIOD, ...featuresOf(found), ...OWN, replaced].map(
    ({ name, type }) => {
      const column = stored?.columns.find((one) => one.name === name);
      return {
        name,
        field: name,
        fieldId: column?.id ?? null,
        type: column?.type ?? icebergType(type),
      };
    },
  );
};

const columnsOf = (table: ViewTable): readonly Described[] =>
  table.of.rows === 'history'
    ? [...keysOf(table), ...featuresOf(table), ...historyColumns(table)]
    : [...keysOf(table), ...PERIOD, ...featuresOf(table), ...OWN];

export const describedColumns = (table: ViewTable): readonly SqlTableColumn[] =>
  columnsOf(table).map(({ name, type, description }) => ({
    name,
    type: formatFieldType({ ...type, nullable: false }),
    description,
  }));
