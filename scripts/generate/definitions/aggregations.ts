/**
 * The aggregations: their types, missing values and parameters are computed with their code. A new
 * aggregation does not compile without its row here.
 */
import type { AggregationParams } from '#domain/aggregations/aggregation.ts';
import type { AggregationName } from '#domain/aggregations/forms.ts';
import { AGGREGATIONS } from '#domain/aggregations/table.ts';
import { fieldType, formatFieldType, SCALAR_TYPES } from '#domain/values/field-type.ts';
import type { FieldType } from '#domain/values/value.ts';
import { MISSING_CASES, missingValues, PARAMETERS } from './missing-values.ts';
import { codeText, numberText, table, typesAndResults } from './table.ts';

/** As a definition has it, with the options of features left out. */
export const CALLS: Readonly<Record<AggregationName, string>> = {
  count: 'count(), count(x)',
  sum: 'sum(x)',
  avg: 'avg(x)',
  min: 'min(x)',
  max: 'max(x)',
  variance: 'variance(x)',
  stddev: 'stddev(x)',
  first: 'first(x)',
  last: 'last(x)',
  firstK: 'firstK(x, k)',
  lastK: 'lastK(x, k)',
  countDistinct: 'countDistinct(x)',
  histogram: 'histogram(x, edges)',
  topK: 'topK(x, k)',
  approxCountDistinct: 'approxCountDistinct(x)',
  approxPercentile: 'approxPercentile(x, q)',
  approxTopK: 'approxTopK(x, k)',
};

const all = [...AGGREGATIONS.values()];

/** Null: the aggregation refuses the input. */
const resultOf = (name: AggregationName, input: FieldType): string | null => {
  try {
    const params: AggregationParams = PARAMETERS[name] ?? {};
    return formatFieldType(
      (AGGREGATIONS.get(name) as (typeof all)[number]).bind(input, params).type,
    );
  } catch {
    return null;
  }
};

const typesText = (name: AggregationName): string => {
  const scalars = SCALAR_TYPES.flatMap((type) => {
    const result = resultOf(name, fieldType(type));
    return result === null ? [] : [{ type, result }];
  });
  const lists = resultOf(name, { ...fieldType('string'), array: true }) !== null;
  return `${typesAndResults(scalars)}${lists ? '; lists too' : ''}`;
};

const valueText = (value: unknown): string => JSON.stringify(value);

const rangeText = (least: number, most: number, kind: string): string =>
  kind === 'ascending numbers'
    ? `${numberText(least)} to ${numberText(most)} numbers`
    : `${kind}, ${numberText(least)} to ${numberText(most)}`;

export const aggregationsTable = (): readonly string[] =>
  table(
    ['aggregation', 'value', 'type of x → result', 'error'],
    all.map(({ name, summary, error }) => [
      codeText(CALLS[name]),
      summary,
      typesText(name),
      error ?? 'exact',
    ]),
  );

const defaultText = (fallback: number | string | null): string =>
  fallback === null
    ? 'required'
    : typeof fallback === 'string'
      ? codeText(fallback)
      : numberText(fallback);

export const parametersTable = (): readonly string[] =>
  table(
    ['aggregation', 'parameter', 'meaning', 'range', 'default'],
    all.flatMap(({ name, parameters }) =>
      parameters.map((parameter) => [
        codeText(name),
        codeText(parameter.name),
        parameter.says,
        parameter.kind === 'word'
          ? parameter.words.map(codeText).join(', ')
          : rangeText(parameter.least, parameter.most, parameter.kind),
        defaultText(parameter.fallback),
      ]),
    ),
  );

export const missingTable = (): readonly string[] =>
  table(
    ['aggregation', ...MISSING_CASES.map(({ says }) => says)],
    all.map(({ name }) => [
      codeText(name),
      ...missingValues(name).cases.map(({ id, value, status }) =>
        id === 'overflow' && status !== 'overflow' ? '–' : valueText(value),
      ),
    ]),
  );
