/**
 * Checks of an aggregation's input type and parameters. Each message names what was given and what
 * is allowed.
 */
import { fail } from '#domain/errors.ts';
import { canCast } from '#domain/expressions/casts.ts';
import { formatFieldType, isNumeric } from '#domain/values/field-type.ts';
import type { FieldType, Value } from '#domain/values/value.ts';
import type { AggregationParams, NumberParameter, WordParameter } from './aggregation.ts';

export const nullable = (type: FieldType): FieldType => ({ ...type, nullable: true });
export const LONG: FieldType = { base: 'long', array: false, nullable: false };
export const DOUBLE: FieldType = { base: 'double', array: false, nullable: true };

export const inputOf = (name: string, input: FieldType | null): FieldType =>
  input ??
  fail(
    'MR_DEFINITION_INVALID',
    `${name} needs a column or an expression to aggregate: ${name}(col('…'))`,
  );

const conversion = (type: FieldType): string =>
  canCast(type, 'double') ? ': convert it with .cast("double")' : '';

export const numericInput = (name: string, input: FieldType | null): FieldType => {
  const type = inputOf(name, input);
  if (!isNumeric(type))
    fail(
      'MR_DEFINITION_INVALID',
      `${name} aggregates numbers, and its input is ${formatFieldType(type)}${conversion(type)}`,
    );
  return type;
};

export const scalarInput = (name: string, input: FieldType | null): FieldType => {
  const type = inputOf(name, input);
  if (type.array)
    fail(
      'MR_DEFINITION_INVALID',
      `${name} aggregates single values, and its input is ${formatFieldType(type)}`,
    );
  return type;
};

/** The value of a parameter that is a number. */
export const numberParameter = (
  aggregation: string,
  params: AggregationParams,
  { name, kind, least, most, fallback }: NumberParameter,
): number => {
  const value: Value = params[name] ?? fallback;
  const fits = kind === 'number' ? Number.isFinite : Number.isInteger;
  if (typeof value === 'number' && fits(value) && value >= least && value <= most) return value;
  return fail(
    'MR_DEFINITION_INVALID',
    `${aggregation}'s ${name} is ${JSON.stringify(value)}; it must be a ${kind} from ${least} to ${most}`,
  );
};

/** The value of a parameter that is one of some words. */
export const wordParameter = <Word extends string>(
  aggregation: string,
  params: AggregationParams,
  { name, words, fallback }: WordParameter<Word>,
): Word => {
  const value: Value = params[name] ?? fallback;
  return (
    words.find((word) => word === value) ??
    fail(
      'MR_DEFINITION_INVALID',
      `${aggregation}'s ${name} is ${JSON.stringify(value)}; it must be ${words.map((word) => `"${word}"`).join(' or ')}`,
    )
  );
};

/** How many values `firstK`, `topK` and their like give. */
export const K: NumberParameter = {
  name: 'k',
  says: 'how many values, at most',
  kind: 'whole number',
  least: 1,
  most: 1000,
  fallback: null,
};
