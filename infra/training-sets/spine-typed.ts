/** Columns of a spine that definitions declare: in an output with types they have these types. */
import { isNumberType } from '#domain/training-sets/columns.ts';
import type { CodedValues } from '#domain/training-sets/spine-keys.ts';
import { TIME_COLUMN } from '#domain/training-sets/spine-of-values.ts';
import type { FieldType } from '#domain/values/value.ts';
import type { TypedValues } from './spine.ts';
import type { SpineColumns } from './spine-columns.ts';
import { TIME_TYPE, type Wanted } from './spine-reader.ts';

/** By name; an input has precedence over a key, and the time of the rows over both. */
export const declaredTypes = ({
  keys,
  request,
}: Pick<Wanted, 'keys' | 'request'>): ReadonlyMap<string, FieldType> =>
  new Map(
    [...keys, ...request, { name: TIME_COLUMN, type: TIME_TYPE }].map(({ name, type }) => [
      name,
      type,
    ]),
  );

/** The values of a column that are numbers; null: they are not. */
export const typedValues = (
  name: string,
  type: FieldType | undefined,
  { times, request, keys }: SpineColumns,
): TypedValues | null => {
  if (type === undefined || !isNumberType(type)) return null;
  if (name === TIME_COLUMN) return { type, values: times };
  const input = request[name]?.values;
  if (input instanceof Float64Array) return { type, values: input };
  const { codes, values } = keys[name] as CodedValues;
  return {
    type,
    values: Float64Array.from(codes, (code) => (code < 0 ? Number.NaN : Number(values[code]))),
  };
};
