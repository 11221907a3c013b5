/**
 * Values that are written as text (`--entity id=17`, `?entity.id=17`), read as their declared type.
 */
import { fail } from '#domain/errors.ts';
import { EXPECTED } from '#domain/values/expected.ts';
import { readText } from '#domain/values/read-text.ts';
import type { Scalar, ScalarType } from '#domain/values/value.ts';

/** @throws MR_ENTITY_INVALID, naming the value and what to write */
export const typedText = (name: string, type: ScalarType, text: string): Scalar =>
  readText(type, text) ??
  fail(
    'MR_ENTITY_INVALID',
    `"${name}" must be ${EXPECTED[type]} (${type}), not ${JSON.stringify(text)}`,
    { name, type, value: text },
  );
