/**
 * Checks of an aggregation's input type and parameters. Each message names what was given and what
 * is allowed.
 */
import { fail } from '#domain/errors.ts';
import { formatFieldType, isNumeric } from '#domain/values/field-type.ts';
import type { FieldType, Value } from '#domain/values/value.ts';
import type { AggregationParams } from './aggregation.ts';

export const nullable = (type: FieldType): FieldType => ({ ...type, nullable: true });
export const LONG: FieldType = { base: 'long', array: false, nullable: false };
export const DOUBLE: FieldType = { base: 'double', array: false, nullable: true };

export const inputOf = (name: string, input: FieldType | null): FieldType =>
  input ??
  fail(
    'MR_DEFINITION_INVALID',
    `${name} needs a column or an expression to aggregate: ${name}(col('…'))`,
  );

export const numericInput = (name: string, input: FieldType | null): FieldType => {
  const type = inputOf(name, input);
  if (!isNumeric(type))
    fail(
      'MR_DEFINITION_INVALID',
      `${name} aggregates numbers, and its input is ${formatFieldType(type)}`,
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

export const wholeParameter = (
  name: string,
  params: AggregationParams,
  key: string,
  least: number,
  most: number,
  fallback?: number,
): number => {
  const value: Value | undefined = params[key] ?? fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most)
    return value;
  return fail(
    'MR_DEFINITION_INVALID',
    `${name}'s ${key} is ${JSON.stringify(value ?? null)}; it must be a whole number from ${least} to ${most}`,
  );
};

/** One of some words; the first is the default. */
export const choiceParameter = <Word extends string>(
  name: string,
  params: AggregationParams,
  key: string,
  words: readonly [Word, ...Word[]],
): Word => {
  const value: Value | undefined = params[key] ?? words[0];
  return (
    words.find((word) => word === value) ??
    fail(
      'MR_DEFINITION_INVALID',
      `${name}'s ${key} is ${JSON.stringify(value)}; it must be ${words.map((word) => `"${word}"`).join(' or ')}`,
    )
  );
};
