/**
 * Entity keys as one string, so that a Map finds an entity with one lookup. The encoding is
 * injective: a single key is its value as text; several are joined by U+001F, with that character
 * and the backslash escaped.
 */
import { fail } from '#domain/errors.ts';
import { expectedFor, showShort } from '#domain/values/expected.ts';
import { readScalar } from '#domain/values/read-value.ts';
import type { FieldType, Row, Scalar } from '#domain/values/value.ts';
import type { EntityKey, ViewPlan } from './plan.ts';

const SEPARATOR = '\u001f';
const SPECIAL = new RegExp(`[\\\\${SEPARATOR}]`, 'g');

type KeyParts = ViewPlan['keys'];

export const encodeKey = (values: readonly Scalar[]): string => {
  if (values.length === 1) return String(values[0]);
  let key = '';
  for (let i = 0; i < values.length; i++) {
    const text = String(values[i]);
    const safe =
      text.includes(SEPARATOR) || text.includes('\\') ? text.replace(SPECIAL, '\\$&') : text;
    key = i === 0 ? safe : key + SEPARATOR + safe;
  }
  return key;
};

const splitKey = (key: string): string[] => {
  const parts: string[] = [];
  let part = '';
  for (let i = 0; i < key.length; i++) {
    const c = key[i] as string;
    if (c === '\\') part += key[++i] ?? '';
    else if (c === SEPARATOR) {
      parts.push(part);
      part = '';
    } else part += c;
  }
  parts.push(part);
  return parts;
};

const parsePart = (text: string, type: FieldType): Scalar => {
  if (type.base === 'string' || type.base === 'bytes') return text;
  return type.base === 'boolean' ? text === 'true' : Number(text);
};

export const decodeKey = (key: string, keys: KeyParts): EntityKey => {
  const parts = keys.length === 1 ? [key] : splitKey(key);
  const entity: Record<string, Scalar> = {};
  keys.forEach(({ name, type }, i) => {
    entity[name] = parsePart(parts[i] ?? '', type);
  });
  return entity;
};

/** A row's key; null where a key field is null, because such an event belongs to no entity. */
export const compileKeyOf = (keys: KeyParts): ((row: Row) => string | null) => {
  const [only] = keys;
  if (keys.length === 1 && only !== undefined) {
    const { field, type } = only;
    if (type.base === 'string') return (row) => (row[field] as string | null | undefined) ?? null;
    return (row) => {
      const value = row[field];
      return value === null || value === undefined ? null : String(value);
    };
  }
  const fields = keys.map(({ field }) => field);
  return (row) => {
    const values: Scalar[] = [];
    for (const field of fields) {
      const value = row[field];
      if (value === null || value === undefined) return null;
      values.push(value as Scalar);
    }
    return encodeKey(values);
  };
};

/**
 * @param entity as the caller sent it: a time may be text
 * @throws MillraceError MR_ENTITY_INVALID where a key is missing or of another type, naming it
 */
export const keyOfEntity = (plan: ViewPlan, entity: EntityKey): string => {
  const { keys } = plan;
  const [only] = keys;
  if (keys.length === 1 && only !== undefined) {
    const value = readScalar(only.type.base, entity[only.name]);
    return value === undefined ? refuse(plan, only, entity[only.name]) : String(value);
  }
  const values: Scalar[] = [];
  for (const key of keys)
    values.push(readScalar(key.type.base, entity[key.name]) ?? refuse(plan, key, entity[key.name]));
  return encodeKey(values);
};

const refuse = (plan: ViewPlan, { name, type }: KeyParts[number], value: unknown): never =>
  fail(
    'MR_ENTITY_INVALID',
    value === undefined
      ? `view "${plan.view}" has the keys ${plan.keys.map((k) => k.name).join(', ')}, and the entity has no "${name}"`
      : `entity key "${name}" of view "${plan.view}" is ${showShort(value)}; it must be ${type.base}: send ${expectedFor(type.base, value)}`,
    { view: plan.view, field: name, type: type.base },
  );
