/**
 * Every adapter of the schema registry runs this suite: one test for each promise of
 * domain/ports/schema-registry.ts.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';

interface SchemaRegistryUnderTest {
  readonly registry: SchemaRegistry;
  reopen(): Promise<SchemaRegistry>;
  close(): Promise<void>;
}

type Field = { name: string; type: unknown; default?: unknown };
const schemaOf = (...fields: readonly Field[]): object => ({
  type: 'record',
  name: 'Flight',
  namespace: 'raw',
  fields,
});

const ID: Field = { name: 'id', type: 'string' };
const DELAY: Field = { name: 'delay', type: 'int' };

export const schemaRegistryContract = (
  name: string,
  open: () => Promise<SchemaRegistryUnderTest>,
): void => {
  describe(`schema registry contract: ${name}`, () => {
    let under: SchemaRegistryUnderTest;
    let registry: SchemaRegistry;

    beforeEach(async () => {
      under = await open();
      registry = under.registry;
    });
    afterEach(() => under.close());

    test('equal schemas have one id, under every subject, and make no new version', async () => {
      const id = await registry.register('raw.flights', schemaOf(ID, DELAY));
      expect(
        await registry.register('raw.flights', {
          fields: [ID, DELAY],
          namespace: 'raw',
          name: 'Flight',
          type: 'record',
        }),
      ).toBe(id);
      expect(await registry.register('raw.other', schemaOf(ID, DELAY))).toBe(id);
      expect(await registry.versions('raw.flights')).toEqual([{ id, version: 1 }]);
      expect(await registry.versions('raw.other')).toEqual([{ id, version: 1 }]);
    });

    test('ids and versions survive a restart, and an id always means the same schema', async () => {
      const first = await registry.register('s', schemaOf(ID));
      const nullable: Field = { name: 'note', type: ['null', 'string'], default: null };
      const second = await registry.register('s', schemaOf(ID, nullable));
      expect(second).not.toBe(first);
      const again = await under.reopen();
      expect(await again.versions('s')).toEqual([
        { id: first, version: 1 },
        { id: second, version: 2 },
      ]);
      expect(await again.schema(first)).toEqual(schemaOf(ID));
      expect(await again.latest('s')).toEqual({
        id: second,
        version: 2,
        schema: schemaOf(ID, nullable),
      });
      expect(await again.register('s', schemaOf(ID))).toBe(first);
      const third = await again.register('t', schemaOf(DELAY));
      expect([first, second]).not.toContain(third);
    });

    test.each([
      [
        'a new field without a default',
        schemaOf(ID, DELAY, { name: 'gate', type: 'string' }),
        'gate',
      ],
      ['a narrowed type', schemaOf({ name: 'id', type: 'int' }, DELAY), 'id'],
      ['null no longer allowed', schemaOf(ID, DELAY, { name: 'note', type: 'string' }), 'note'],
    ])('%s is refused, with the name of the field', async (_what, schema, field) => {
      await registry.register('s', schemaOf(ID, DELAY));
      if (field === 'note')
        await registry.register(
          's',
          schemaOf(ID, DELAY, { name: 'note', type: ['null', 'string'], default: null }),
        );
      const before = await registry.versions('s');
      await expect(registry.register('s', schema)).rejects.toMatchObject({
        code: 'MR_SCHEMA_INCOMPATIBLE',
        message: expect.stringContaining(`"${field}"`),
      });
      expect(await registry.versions('s')).toEqual(before);
    });

    test.each([
      [
        'a new nullable field',
        schemaOf(ID, DELAY, { name: 'note', type: ['null', 'string'], default: null }),
      ],
      ['a field less', schemaOf(ID)],
      ['a widened number', schemaOf(ID, { name: 'delay', type: 'double' })],
      ['null now allowed', schemaOf(ID, { name: 'delay', type: ['null', 'int'] })],
    ])('%s is accepted', async (_what, schema) => {
      await registry.register('s', schemaOf(ID, DELAY));
      const id = await registry.register('s', schema);
      expect(await registry.latest('s')).toEqual({ id, version: 2, schema });
    });

    test('a text that is no Avro schema is refused, and an unknown subject or id is reported as missing', async () => {
      await expect(
        registry.register('s', { type: 'recrod', name: 'X', fields: [] }),
      ).rejects.toMatchObject({
        code: 'MR_SCHEMA_INCOMPATIBLE',
      });
      await expect(registry.schema(4711)).rejects.toMatchObject({ code: 'MR_NOT_FOUND' });
      expect(await registry.latest('none')).toBeNull();
      expect(await registry.versions('none')).toEqual([]);
    });
  });
};
