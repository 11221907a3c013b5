/** Values of merged states in Flink SQL. A timestamp is epoch ms, a date is days. */
import { isNumeric } from '#domain/values/field-type.ts';
import type { FieldType } from '#domain/values/value.ts';
import type { Dialect, ValuePrinter } from '../dialect.ts';
import { flinkNumber } from './partials.ts';
import { flinkType } from './types.ts';

type States = readonly (readonly string[])[];

/** The sum, null over nothing; `divided` completes it to a mean. */
const sumOf = ([sum, counted]: States, divided = ''): string =>
  `CASE WHEN ${counted?.[0]} = 0 THEN CAST(NULL AS DOUBLE) ELSE MR_FINITE((${sum?.[0]} + ${sum?.[1]})${divided}) END`;

const varianceOf = ([s]: States, shape: (sql: string) => string): string => {
  const [n, , m2] = s ?? [];
  return `CASE WHEN ${n} >= 2 THEN MR_FINITE(${shape(`GREATEST(0e0, ${m2}) / (${n} - 1)`)}) END`;
};

const extreme = ([s]: States, type: FieldType): string =>
  type.base === 'string' ? (s?.[0] as string) : `CAST(MR_FINITE(${s?.[0]}) AS ${flinkType(type)})`;

/** A state keeps numbers as doubles; the feature has the type of its input. */
const typed = (sql: string, type: FieldType): string =>
  isNumeric({ ...type, array: false }) && type.base !== 'double'
    ? `CAST(${sql} AS ${flinkType(type)})`
    : sql;

const firstEntry = ([s]: States, type: FieldType): string => {
  const value = `${s?.[0]}[1].\`value\``;
  return type.array ? value : typed(value, type);
};
/** With `nulls: 'keep'`, the second state says whether the event at the end has a value. */
const oneEntry = (nulls: 'skip' | 'keep', states: States, type: FieldType): string =>
  nulls === 'skip'
    ? firstEntry(states, type)
    : `CASE WHEN ${states[1]?.[0]}[1].\`value\` = 1 THEN ${firstEntry(states, type)} END`;
const entryValues = ([s]: States, type: FieldType): string =>
  typed(`MR_ENTRY_VALUES(${s?.[0]})`, type);

type Printers = {
  readonly [N in keyof Dialect['values']]: Extract<Dialect['values'][N], ValuePrinter<never>>;
};

export const FLINK_VALUES: Printers = {
  count: (_, [s]) => s?.[0] as string,
  sum: ({ whole }, states) => {
    const value = sumOf(states);
    return whole
      ? `CASE WHEN ABS(${value}) <= ${Number.MAX_SAFE_INTEGER} THEN CAST(${value} AS BIGINT) END`
      : value;
  },
  avg: (_, states) => sumOf(states, ` / ${states[1]?.[0]}`),
  min: (_, states, type) => extreme(states, type),
  max: (_, states, type) => extreme(states, type),
  variance: (_, states) => varianceOf(states, (sql) => sql),
  stddev: (_, states) => varianceOf(states, (sql) => `SQRT(${sql})`),
  first: ({ nulls }, states, type) => oneEntry(nulls, states, type),
  last: ({ nulls }, states, type) => oneEntry(nulls, states, type),
  firstK: (_, states, type) => entryValues(states, type),
  lastK: (_, states, type) => entryValues(states, type),
  countDistinct: (_, [s]) =>
    `CASE WHEN NOT ${s?.[0]}.\`overflow\` THEN CAST(CARDINALITY(${s?.[0]}.\`values\`) AS BIGINT) END`,
  histogram: (_, [counts]) =>
    `CASE WHEN ${counts?.map((n) => `${n} > 0`).join(' OR ')} THEN ARRAY[${counts?.join(', ')}] END`,
  topK: ({ k }, [s], type) => typed(`MR_TOP_K(${s?.[0]}, ${k})`, type),
  approxCountDistinct: ({ precision }, [s]) => `MR_HLL_COUNT(${s?.[0]}, ${precision})`,
  approxPercentile: ({ q, lnGamma }, [s]) =>
    `MR_DD_VALUE(${s?.[0]}, ${flinkNumber(q)}, ${flinkNumber(lnGamma)})`,
  approxTopK: ({ k }, [s], type) => typed(`MR_SAMPLE_TOP_K(${s?.[0]}, ${k})`, type),
};
