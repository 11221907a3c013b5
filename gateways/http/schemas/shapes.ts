/**
 * What the HTTP schemas are made of. TypeBox gives each schema its TypeScript type, so that a shape
 * is declared once; `shapeOf` compares it with the domain's type. Documents are OpenAPI 3.0, whose
 * `nullable` JSON Schema does not have.
 */
import { type Static, type TObject, type TProperties, type TSchema, Type } from 'typebox';
import { DEGRADED_MODES } from '#domain/ports/degraded.ts';

/** T with every property and list readonly, so that types written in different ways are equal. */
type Plain<T> = unknown extends T
  ? unknown
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends readonly (infer Item)[]
      ? readonly Plain<Item>[]
      : { readonly [K in keyof T]: Plain<T[K]> };

type Same<A, B> =
  (<T>() => T extends Plain<A> ? 1 : 2) extends <T>() => T extends Plain<B> ? 1 : 2 ? true : false;

/**
 * The schema as it is. It compiles only if the schema's type equals T, optional properties
 * included: `shapeOf<KeyInfo>()(Type.Object({…}))`.
 */
export const shapeOf =
  <T>() =>
  <S extends TSchema>(
    schema: S & (Same<T, Static<S>> extends true ? unknown : { readonly 'must have type': T }),
  ): S =>
    schema;

/** T as a request sends it: the named times may also be text. */
export type WithTimes<T, Names extends keyof T> = Omit<T, Names> & {
  readonly [K in Names]: string | number | Extract<T[K], undefined>;
};

/** Of a request: an unknown property is refused, not ignored. */
export const closed = <Properties extends TProperties>(
  properties: Properties,
): TObject<Properties> => Type.Object(properties, { additionalProperties: false });

export const nullable = <S extends TSchema>(schema: S) =>
  Type.Unsafe<Static<S> | null>({ ...schema, nullable: true });

export const oneOf = <const Values extends readonly string[]>(...values: Values) =>
  Type.Unsafe<Values[number]>({ type: 'string', enum: values });

/** Text whose values the document does not list. */
export const textOf = <T extends string>() => Type.Unsafe<T>({ type: 'string' });

/** Any JSON value, of the type T in the code. */
export const anything = <T>() => Type.Unsafe<T>({});

/** An object whose names are not known in advance: entity keys, feature values, a definition. */
export const record = <T extends object = Record<string, unknown>>() =>
  Type.Unsafe<T>({ type: 'object', additionalProperties: true });

/** Of a request: ISO 8601 with a zone, or epoch milliseconds. */
export const time = Type.Unsafe<string | number>({
  type: ['string', 'number'],
  description: 'ISO 8601 with a zone, or epoch milliseconds',
});
/** Of an answer. */
export const epoch = Type.Integer({ description: 'epoch milliseconds' });

export const degradedModes = Type.Array(oneOf(...DEGRADED_MODES));

const error = Type.Object({ code: Type.String(), message: Type.String(), details: record() });

/** The `response` of a route: the answer with its status, and the form of every refusal. */
export const answers = (
  status: number,
  schema: TSchema,
  description = 'done',
): Readonly<Record<string, unknown>> => ({
  [status]: { description, content: { 'application/json': { schema } } },
  default: {
    description: 'refused or failed',
    content: { 'application/json': { schema: error } },
  },
});
