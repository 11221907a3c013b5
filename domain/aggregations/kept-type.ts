/**
 * The type in which a state keeps values. Numbers of every width are doubles there, which hold each
 * of them exactly. So the state of a view stays the same data, under the same name, when a field of
 * its source is widened (`domain/sources/source-revision.ts`).
 */
import { isNumeric } from '#domain/values/field-type.ts';
import type { FieldType, ScalarType } from '#domain/values/value.ts';

export interface KeptType {
  readonly type: FieldType;
  /** whether the values are numbers: a back end then converts them to doubles */
  readonly numbers: boolean;
  /** the types in which earlier releases kept them, each in a state of another name */
  readonly former: readonly ScalarType[];
}

const NARROWER: readonly ScalarType[] = ['int', 'long', 'float'];

export const keptAs = (input: FieldType): KeptType =>
  isNumeric(input)
    ? {
        type: { base: 'double', array: false, nullable: false },
        numbers: true,
        former: NARROWER,
      }
    : { type: { ...input, nullable: false }, numbers: false, former: [] };
