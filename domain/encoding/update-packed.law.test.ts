/**
 * Updates read directly from Avro bytes equal those that avsc reads, packed: for any view, and for
 * any writer's schema.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { avroCodec } from '#domain/avro/codec.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { createTileStore } from '#domain/tiles/tile-store.ts';
import type { RawEvent } from '#domain/values/value.ts';
import { definitions, rawEvents } from '#tests/oracle/arbitraries.ts';
import { featuresAvroSchema } from './features-schema.ts';
import { takeIn } from './pack-updates.ts';
import { packEntity } from './packed-block.ts';
import { tileCodec } from './tile-codec.ts';
import { packedUpdateReader } from './update-packed.ts';
import { updateReader } from './update-record.ts';

type Parsed = ReturnType<typeof definitions> extends fc.Arbitrary<infer All> ? All : never;
type Field = { readonly name: string; readonly type: unknown };

const recordsOf = (plan: ViewPlan, events: readonly RawEvent[]): Uint8Array[] => {
  const store = createTileStore(plan);
  const codec = tileCodec(plan);
  const records: Uint8Array[] = [];
  for (const { row, eventTime, partition, offset, logTime } of events) {
    store.process(row, eventTime, partition, offset, logTime);
    codec.encodeChanges(store, 3, 2, (value) => records.push(Uint8Array.from(value)));
  }
  return records;
};

/**
 * A schema that another engine may write: another order of fields, null first or second in unions,
 * unknown fields.
 */
const nullable = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return [nullable(schema.find((branch) => branch !== 'null')), 'null'];
  if (schema === null || typeof schema !== 'object') return schema;
  const { type, fields, items } = schema as {
    type: unknown;
    fields?: readonly Field[];
    items?: unknown;
  };
  if (type === 'record')
    return {
      ...schema,
      fields: fields?.map((field) => ({ ...field, type: ['null', nullable(field.type)] })),
    };
  return type === 'array' ? { ...schema, items: nullable(items) } : schema;
};
const foreign = (schema: ReturnType<typeof featuresAvroSchema>): typeof schema => ({
  ...schema,
  fields: [
    { name: 'before', type: ['null', 'string'] },
    ...schema.fields.map(({ name, type }) => ({ name, type: nullable(type) })).reverse(),
    { name: 'beside', type: { type: 'map', values: 'long' } },
  ],
});

const packed = (plan: ViewPlan, update: ReturnType<ReturnType<typeof updateReader>>): object => {
  const { nums, refs, fixed, ...head } = update as typeof update & {
    readonly fixed?: Float64Array;
  };
  const entity = takeIn(
    plan,
    null,
    [{ ...head, nums, refs, offset: 7, ...(fixed === undefined ? {} : { fixed }) }],
    {
      partition: 1,
      offset: 8,
      keepFrom: Number.NEGATIVE_INFINITY,
      wholeIfNew: true,
    },
  );
  return { ...head, bytes: Buffer.from(packEntity(entity)).toString('hex') };
};

test('reads what avsc reads, with our own schema and with another writer’s', () => {
  fc.assert(
    fc.property(definitions({ dimension: true }), rawEvents(), (all, events) => {
      const plan = planView(all.view, all.source, all.entity);
      const schema = featuresAvroSchema(plan);
      const [own, other] = [avroCodec(schema), avroCodec(foreign(schema))];
      const read = updateReader(plan);
      const [fromOwn, fromOther] = [
        packedUpdateReader(schema, plan),
        packedUpdateReader(foreign(schema), plan),
      ];
      for (const record of recordsOf(plan, events)) {
        const plain = own.fromBuffer(Buffer.from(record)) as Record<string, unknown>;
        const want = packed(plan, read(plain));
        expect(packed(plan, fromOwn(record))).toEqual(want);
        expect(
          packed(plan, fromOther(other.toBuffer({ ...plain, before: null, beside: { a: 1 } }))),
        ).toEqual(want);
      }
    }),
    { numRuns: 60 },
  );
});

test('bytes that do not end where their schema ends are refused', () => {
  const [[all, events]] = fc.sample(fc.tuple(definitions({ dimension: true }), rawEvents()), {
    numRuns: 1,
    seed: 7,
  }) as [[Parsed, readonly RawEvent[]]];
  const plan = planView(all.view, all.source, all.entity);
  const read = packedUpdateReader(featuresAvroSchema(plan), plan);
  const [record] = recordsOf(plan, events);
  expect(() => read((record as Uint8Array).subarray(0, -1))).toThrow(
    /does not end where its schema/,
  );
});
