import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fieldType } from '#domain/values/field-type.ts';
import type { Scalar, ScalarType } from '#domain/values/value.ts';
import { compileKeyOf, decodeKey, encodeKey, keyOfEntity } from './entity-key.ts';
import type { ViewPlan } from './plan.ts';

const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('\\', '\u001f', 'a') }));
const value: Readonly<Partial<Record<ScalarType, fc.Arbitrary<Scalar>>>> = {
  string: text,
  long: fc.maxSafeInteger(),
  int: fc.integer(),
  boolean: fc.boolean(),
  double: fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0),
};

const keys = fc
  .array(fc.constantFrom(...(Object.keys(value) as ScalarType[])), { minLength: 1, maxLength: 3 })
  .map((types) =>
    types.map((base, i) => ({ name: `k${i}`, field: `f${i}`, type: fieldType(base) })),
  );

const valuesFor = (parts: ViewPlan['keys']): fc.Arbitrary<readonly Scalar[]> =>
  fc.tuple(...parts.map(({ type }) => value[type.base] as fc.Arbitrary<Scalar>));

test('a key decodes to its values, and the row, the entity and the values give the same key', () => {
  fc.assert(
    fc.property(
      keys.chain((parts) => fc.tuple(fc.constant(parts), valuesFor(parts))),
      ([parts, values]) => {
        const key = encodeKey(values);
        const entity = Object.fromEntries(parts.map(({ name }, i) => [name, values[i] as Scalar]));
        const row = Object.fromEntries(parts.map(({ field }, i) => [field, values[i] as Scalar]));
        expect(decodeKey(key, parts)).toEqual(entity);
        expect(compileKeyOf(parts)(row)).toBe(key);
        expect(keyOfEntity({ view: 'v', keys: parts } as unknown as ViewPlan, entity)).toBe(key);
        expect(compileKeyOf(parts)({ ...row, f0: null })).toBeNull();
      },
    ),
  );
});

test('different entities have different keys', () => {
  const pair = fc.tuple(text, text);
  fc.assert(
    fc.property(
      pair,
      pair,
      (a, b) => (encodeKey(a) === encodeKey(b)) === (a[0] === b[0] && a[1] === b[1]),
    ),
    { numRuns: 500 },
  );
});

test('a missing or mistyped key is refused by name', () => {
  const plan = {
    view: 'v',
    keys: [{ name: 'origin', field: 'origin', type: fieldType('string') }],
  } as unknown as ViewPlan;
  for (const entity of [{}, { origin: 3 }, { orign: 'ATL' }]) {
    expect(() => keyOfEntity(plan, entity as never)).toThrow(
      expect.objectContaining({
        code: 'MR_ENTITY_INVALID',
        message: expect.stringContaining('origin'),
      }),
    );
  }
});
