/**
 * Values that are written as text in a command or a query string (`--entity id=17`,
 * `?entity.id=17`), read as their declared type, or refused.
 */
import { fail } from '#domain/errors.ts';
import { EXPECTED } from '#domain/values/expected.ts';
import { scalarOfText } from '#domain/values/scalar-of-text.ts';
import type { Scalar, ScalarType } from '#domain/values/value.ts';

/** Which part of a request the text belongs to: its refusal has the part's code. */
const PARTS = {
  'entity key': 'MR_ENTITY_INVALID',
  'request input': 'MR_REQUEST_INVALID',
} as const;

/** @throws MR_ENTITY_INVALID, MR_REQUEST_INVALID, naming the value and what to write */
export const readArgument = (
  part: keyof typeof PARTS,
  name: string,
  type: ScalarType,
  text: string,
): Scalar =>
  scalarOfText(type, text) ??
  fail(
    PARTS[part],
    `${part} "${name}" is ${JSON.stringify(text)}; it must be ${type}: write ${EXPECTED[type]}`,
    { name, type, value: text },
  );
