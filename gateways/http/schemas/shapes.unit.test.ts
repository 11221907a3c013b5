/**
 * A schema and the domain's type cannot drift apart: `shapeOf` compiles only if they are equal. The
 * compiler checks the lines below, and refuses an `expect-error` without an error.
 */
import { Type } from 'typebox';
import { expect, test } from 'vitest';
import { closed, nullable, oneOf, record, shapeOf } from './shapes.ts';

interface Key {
  readonly id: string;
  readonly state: 'active' | 'revoked';
  readonly expiresAt: number | null;
  readonly grants?: readonly string[];
}

const properties = {
  id: Type.String(),
  state: oneOf('active', 'revoked'),
  expiresAt: nullable(Type.Integer()),
};
const grants = Type.Array(Type.String());

test('the schema of a type', () => {
  const schema = shapeOf<Key>()(Type.Object({ ...properties, grants: Type.Optional(grants) }));
  expect(JSON.parse(JSON.stringify(schema))).toEqual({
    type: 'object',
    properties: {
      id: { type: 'string' },
      state: { type: 'string', enum: ['active', 'revoked'] },
      expiresAt: { type: 'integer', nullable: true },
      grants: { type: 'array', items: { type: 'string' } },
    },
    required: ['id', 'state', 'expiresAt'],
  });
  expect(JSON.parse(JSON.stringify(closed({})))).toMatchObject({ additionalProperties: false });
});

test('a difference does not compile', () => {
  // @ts-expect-error an optional property is missing
  shapeOf<Key>()(Type.Object(properties));
  // @ts-expect-error a property must be optional
  shapeOf<Key>()(Type.Object({ ...properties, grants }));
  // @ts-expect-error a property too many
  shapeOf<{ readonly id: string }>()(Type.Object({ id: Type.String(), name: Type.String() }));
  // @ts-expect-error one value too few
  shapeOf<Key['state']>()(oneOf('active'));
  // @ts-expect-error not nullable
  shapeOf<Key['expiresAt']>()(Type.Integer());
  // @ts-expect-error another type within a list
  shapeOf<readonly Key[]>()(Type.Array(Type.Object({ ...properties, grants: record() })));
  expect.assertions(0);
});
