/** The on-demand columns of a read, computed row by row. */
import { fail } from '#domain/errors.ts';
import type { FeatureStatus } from '#domain/plan/plan.ts';
import { expectedFor, showShort } from '#domain/values/expected.ts';
import { formatFieldType } from '#domain/values/field-type.ts';
import { readValue } from '#domain/values/read-value.ts';
import type { Row, Value } from '#domain/values/value.ts';
import type { ReadPlan } from './read-plan.ts';

const EMPTY: Row = {};

/** The request inputs of one row. @throws MR_REQUEST_INVALID */
export const requestRow = (
  plan: ReadPlan,
  request: readonly Row[] | undefined,
  row: number,
  rows: number,
): Row => {
  if (plan.request.length === 0) return EMPTY;
  const given =
    request === undefined ? EMPTY : request.length === 1 ? (request[0] as Row) : request[row];
  if (request !== undefined && request.length !== 1 && request.length !== rows) {
    return fail(
      'MR_REQUEST_INVALID',
      `"request" has ${request.length} rows for ${rows} entities: give one for all, or one for each`,
    );
  }
  const inputs: Record<string, Value> = {};
  for (const { name, type } of plan.request) {
    const value = given?.[name];
    if (value === undefined) {
      return fail(
        'MR_REQUEST_INVALID',
        `the request input "${name}" (${formatFieldType(type)}) is missing${request !== undefined && request.length > 1 ? ` in row ${row} of "request"` : ''}: the on-demand features need it; add it to "request", or give --request ${name}=… on the command line`,
        { row, field: name, type: type.base },
      );
    }
    const read = value === null ? (type.nullable ? null : undefined) : readValue(type, value);
    if (read === undefined) {
      return fail(
        'MR_REQUEST_INVALID',
        `request input "${name}" of row ${row} is ${showShort(value)}, which is not ${formatFieldType(type)}: send ${type.array ? `a list of ${type.base}` : expectedFor(type.base, value)}`,
        { row, field: name, type: type.base },
      );
    }
    inputs[name] = read;
  }
  return inputs;
};

/** Computes the on-demand columns of one row from the views' values and the request's inputs. */
export const computeOnDemand = (
  plan: ReadPlan,
  viewValues: readonly (readonly Value[])[],
  given: Row,
  values: Value[],
  status: FeatureStatus[],
): void => {
  if (plan.onDemand.length === 0) return;
  const results: Value[] = [];
  for (const feature of plan.onDemand) {
    const inputs: Record<string, Value> = {};
    for (const { parameter, from } of feature.inputs) {
      inputs[parameter] =
        from.from === 'request'
          ? (given[from.name] ?? null)
          : from.from === 'feature'
            ? (viewValues[from.view]?.[from.feature] ?? null)
            : (results[from.index] ?? null);
    }
    const value = feature.evaluate(inputs);
    results.push(value);
    if (feature.column !== null) {
      values[feature.column] = value;
      status[feature.column] = value === null ? 'null' : 'present';
    }
  }
};
