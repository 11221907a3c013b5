/** The properties that definitions of several kinds share, each read with its checks. */
import { parseDuration } from '#domain/values/duration.ts';
import {
  isScalarType,
  parseFieldType,
  readFieldType,
  SCALAR_TYPES,
} from '#domain/values/field-type.ts';
import type { ScalarType } from '#domain/values/value.ts';
import { DEFAULT_NAMESPACE } from './model.ts';
import { FIELD_NAME, FIELD_NAME_RULE, NAME, NAME_RULE } from './names.ts';
import type { JsonObject, Reader } from './reader.ts';

/** Keys, fields, features, inputs or members of one definition. */
export const MAX_FIELDS = 1_000;
export const MAX_TAGS = 100;
export const MAX_TAG_LENGTH = 200;
export const MAX_PARTITIONS = 1_024;
export const MAX_PARTITION_FIELDS = 20;
export const name = { pattern: NAME, says: NAME_RULE };
export const fieldName = { pattern: FIELD_NAME, says: FIELD_NAME_RULE };
/** The properties that every kind has. */
export const DESCRIBED = ['kind', 'name', 'namespace', 'owner', 'description', 'tags'];

/** `read` applied to a property that is present; an absent one stays absent. */
export function optional<T>(
  object: JsonObject,
  key: string,
  path: string,
  read: (value: unknown, path: string) => T,
): Readonly<Record<string, T>> {
  return object[key] === undefined ? {} : { [key]: read(object[key], `${path}.${key}`) };
}

export function parts(r: Reader) {
  const duration = (value: unknown, path: string): string => {
    const text = r.text(value, path);
    if (text !== '') r.attempt(path, value, () => parseDuration(text));
    return text;
  };
  const flag = (value: unknown, path: string): boolean => {
    if (typeof value !== 'boolean') r.problem(path, 'must be true or false', value);
    return value === true;
  };
  const scalarType = (value: unknown, path: string): ScalarType => {
    if (isScalarType(value)) return value;
    if (typeof value !== 'string' || readFieldType(value) !== undefined)
      r.problem(path, `must be one of ${SCALAR_TYPES.join(', ')}`, value);
    else r.attempt(path, value, () => parseFieldType(value));
    return 'string';
  };
  const type = (value: unknown, path: string): string => {
    const text = r.text(value, path, undefined, 100);
    if (text !== '') r.attempt(path, value, () => parseFieldType(text));
    return text;
  };
  const record = <T>(
    value: unknown,
    path: string,
    rule: typeof name,
    read: (value: unknown, path: string) => T,
  ): Record<string, T> => {
    const entries = Object.entries(r.object(value, path));
    if (entries.length === 0 || entries.length > MAX_FIELDS)
      r.problem(path, `must have 1 to ${MAX_FIELDS} entries`, entries.length);
    for (const [key] of entries) r.text(key, `${path}.${key}`, rule);
    return Object.fromEntries(
      entries.slice(0, MAX_FIELDS).map(([key, item]) => [key, read(item, `${path}.${key}`)]),
    );
  };
  const text = (value: unknown, path: string): string => r.text(value, path);
  const described = (o: JsonObject, path: string) => ({
    name: r.text(o.name, `${path}.name`, name),
    // The default namespace is left out, so that naming it does not make another definition.
    ...(o.namespace === DEFAULT_NAMESPACE
      ? {}
      : optional(o, 'namespace', path, (v, at) => r.text(v, at, name))),
    ...optional(o, 'owner', path, text),
    ...optional(o, 'description', path, text),
    ...optional(o, 'tags', path, (v, p) =>
      r.list(v, p, MAX_TAGS).map((tag, i) => r.text(tag, `${p}[${i}]`, undefined, MAX_TAG_LENGTH)),
    ),
  });
  const positive = (value: unknown, path: string): number => {
    if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_PARTITIONS)
      return value as number;
    r.problem(path, `must be a whole number from 1 to ${MAX_PARTITIONS}`, value);
    return 1;
  };
  const share = (value: unknown, path: string): number => {
    if (typeof value === 'number' && value >= 0 && value <= 1) return value;
    r.problem(path, 'must be a share of the requests, a number from 0 to 1', value);
    return 0;
  };
  return { duration, flag, scalarType, type, record, text, described, positive, share };
}
