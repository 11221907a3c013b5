/**
 * Base types and the text of a field's type: `double`, `double?`, `array<string>`,
 * `array<string>?`.
 */
import { fail } from '#domain/errors.ts';
import { BASE_TYPES } from './base-types.ts';
import { didYouMean } from './did-you-mean.ts';
import type { FieldType, ScalarType } from './value.ts';

export const SCALAR_TYPES = Object.keys(BASE_TYPES) as readonly ScalarType[];

/** The texts that `parseFieldType` accepts, so that the compiler checks definitions. */
export type FieldTypeText =
  | ScalarType
  | `${ScalarType}?`
  | `array<${ScalarType}>`
  | `array<${ScalarType}>?`;

const BASES: ReadonlySet<string> = new Set(SCALAR_TYPES);

export const isScalarType = (text: unknown): text is ScalarType =>
  typeof text === 'string' && BASES.has(text);

/** Undefined where the text is not a type. */
export function readFieldType(text: string): FieldType | undefined {
  const match = /^(array<)?([a-z]+)(>)?(\?)?$/.exec(text);
  if (match === null) return undefined;
  const [, open, base, close, nullable] = match;
  if (!isScalarType(base) || (open === undefined) !== (close === undefined)) return undefined;
  return { base, array: open !== undefined, nullable: nullable !== undefined };
}

/** What other systems call our types. */
const ELSEWHERE: Readonly<Record<string, ScalarType>> = {
  str: 'string',
  text: 'string',
  varchar: 'string',
  uuid: 'string',
  integer: 'int',
  int32: 'int',
  int64: 'long',
  bigint: 'long',
  number: 'double',
  numeric: 'double',
  decimal: 'double',
  real: 'float',
  float32: 'float',
  float64: 'double',
  bool: 'boolean',
  datetime: 'timestamp',
  time: 'timestamp',
  binary: 'bytes',
};

/** `; did you mean "string"?`, or what the types are. */
const whatIsAType = (text: string): string => {
  const [, open = '', base = '', close = ''] = /^(array<)?([^<>?]*)(.*)$/s.exec(text) ?? [];
  const meant = ELSEWHERE[base.toLowerCase()] ?? didYouMean(base, SCALAR_TYPES);
  const type = `${open}${meant ?? base}${close}`;
  return readFieldType(type) === undefined
    ? `: write one of ${SCALAR_TYPES.join(', ')}, or array<…> of one of these, followed by "?" if it may be null.`
    : `; did you mean ${JSON.stringify(type)}?`;
};

export const parseFieldType = (text: string): FieldType =>
  readFieldType(text) ??
  fail('MR_DEFINITION_INVALID', `${JSON.stringify(text)} is not a type${whatIsAType(text)}`, {
    value: text,
  });

export const formatFieldType = (type: FieldType): string =>
  `${type.array ? `array<${type.base}>` : type.base}${type.nullable ? '?' : ''}`;

export const fieldType = (base: ScalarType, nullable = false): FieldType => ({
  base,
  array: false,
  nullable,
});

/** The other types that hold every value of a type exactly. */
const WIDER: Readonly<Partial<Record<ScalarType, readonly ScalarType[]>>> = {
  int: ['long', 'double'],
  long: ['double'],
  float: ['double'],
};

/** Whether every value of one base type is, unchanged, a value of the other. */
export const widens = (from: ScalarType, to: ScalarType): boolean =>
  from === to || (WIDER[from]?.includes(to) ?? false);

/** Whether every value of one type is, unchanged, a value of the other. */
export const readsAs = (from: FieldType, to: FieldType): boolean =>
  from.array === to.array && (from.array ? from.base === to.base : widens(from.base, to.base));

/** Whether values are whole numbers. */
export const isWhole = (type: FieldType): boolean =>
  !type.array && BASE_TYPES[type.base].numeric === 'whole';

export const isNumeric = (type: FieldType): boolean =>
  !type.array && BASE_TYPES[type.base].numeric !== null;
