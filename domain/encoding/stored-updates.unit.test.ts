/** Updates are read by the schema that wrote them: of an earlier release, or of another plan. */
import { expect, test } from 'vitest';
import { avroCodec } from '#domain/avro/codec.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { createTileStore } from '#domain/tiles/tile-store.ts';
import { CHANGES, fieldsOf } from '#tests/revisions/changes.ts';
import { featuresAvroSchema, slotColumns } from './features-schema.ts';
import { takeIn } from './pack-updates.ts';
import { packEntity } from './packed-block.ts';
import { storedUpdates } from './stored-updates.ts';
import { tileCodec } from './tile-codec.ts';
import { packedUpdateReader } from './update-packed.ts';

const [change] = CHANGES.filter(({ name }) => name === 'int_long');
if (change === undefined) throw new Error('the change is gone');
const { before, definitions, values } = change;
const { entity, view } = definitions;
const plan = planView(view, definitions.source, entity);
const schema = featuresAvroSchema(plan);
const GENERATION = 4;

/**
 * Own name → the name of the state of longs in an earlier release; only states that had another.
 */
const formerNames = new Map(
  plan.hops.flatMap((_, hop) => {
    const { nums, refs } = slotColumns(plan, hop);
    return [...nums, ...refs].flatMap(({ name, former }) =>
      former[1] === undefined ? [] : [[name, former[1]] as const],
    );
  }),
);
const formerSchema = {
  ...schema,
  fields: schema.fields.map((field) => {
    const name = formerNames.get(field.name);
    if (name === undefined) return field;
    const type = JSON.parse(JSON.stringify(field.type).replaceAll('"double"', '"long"')) as unknown;
    return { ...field, name, type };
  }),
};

const records = (): { readonly own: Uint8Array; readonly former: Uint8Array }[] => {
  const store = createTileStore(plan);
  const [own, former] = [avroCodec(schema), avroCodec(formerSchema)];
  const made: { own: Uint8Array; former: Uint8Array }[] = [];
  for (const [i, value] of (values[0] ?? []).entries()) {
    const at = Date.UTC(2030, 0, 1) + i * 3_600_000;
    store.process(fieldsOf(change, before, 'a', at, value), at, 0, i, at);
    tileCodec(plan).encodeChanges(store, 1, GENERATION, (bytes) => {
      const record = own.fromBuffer(Buffer.from(bytes)) as Record<string, unknown>;
      const renamed = Object.entries(record).map(([name, slot]) => [
        formerNames.get(name) ?? name,
        slot,
      ]);
      made.push({
        own: Uint8Array.from(bytes),
        former: former.toBuffer(Object.fromEntries(renamed)),
      });
    });
  }
  return made;
};

test('states of an earlier release, under its names and in its types', () => {
  expect(formerNames.size).toBeGreaterThan(5);
  const [own, former] = [storedUpdates(plan)(schema), storedUpdates(plan)(formerSchema)];
  const [packOwn, packFormer] = [
    packedUpdateReader(schema, plan),
    packedUpdateReader(formerSchema, plan),
  ];
  const bytesOf = (update: ReturnType<typeof packOwn>): Uint8Array =>
    packEntity(
      takeIn(plan, null, [{ ...update, offset: 1 }], {
        partition: 0,
        offset: 2,
        keepFrom: Number.NEGATIVE_INFINITY,
        wholeIfNew: true,
      }),
    );
  expect([own.fits, former.fits]).toEqual([true, true]);
  for (const record of records()) {
    const head = former.headOf(record.former);
    const { key, newestEventTime, watermark } = own.decode(record.own);
    expect(head).toEqual({ key, newestEventTime, watermark, generation: GENERATION });
    expect(former.decode(record.former)).toEqual(own.decode(record.own));
    expect(bytesOf(packFormer(record.former))).toEqual(bytesOf(packOwn(record.own)));
  }
});

test('updates of another plan are told apart by their generation, and do not fit', () => {
  const [feature] = Object.keys(view.features) as [string];
  const one = { ...view, features: { [feature]: view.features[feature] as never } };
  const other = storedUpdates(planView(one, definitions.source, entity))(schema);
  expect(other.fits).toBe(true);
  const small = featuresAvroSchema(planView(one, definitions.source, entity));
  expect(storedUpdates(plan)(small).fits).toBe(false);
  for (const { own } of records()) expect(other.headOf(own).generation).toBe(GENERATION);
});
