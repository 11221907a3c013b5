/**
 * The hand-written encoder of tile updates writes the bytes of the reference codec, and they decode
 * to the same update.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { avroCodec } from '#domain/avro/codec.ts';
import { featuresAvroSchema, slotColumns } from '#domain/encoding/features-schema.ts';
import { tileCodec } from '#domain/encoding/tile-codec.ts';
import { decodeKey } from '#domain/plan/entity-key.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { createTileStore, type TileStore } from '#domain/tiles/tile-store.ts';
import { definitions, rawEvents } from '#tests/oracle/arbitraries.ts';

/** The changed tiles as records of the schema, without the codec. */
const recordsOf = (
  store: TileStore,
  version: number,
  generation: number,
): Readonly<Record<string, unknown>>[] =>
  store.groups.flatMap((group, g) =>
    group.changed.map((slot) => {
      const { hop } = group;
      const columns = slotColumns(store.plan, g);
      const slots = store.plan.hops.flatMap((_, h) => [
        ...slotColumns(store.plan, h).nums,
        ...slotColumns(store.plan, h).refs,
      ]);
      const encoders = hop.partials.flatMap(({ partial }) => partial.refs);
      const key = decodeKey(store.keys[group.entity[slot] as number] as string, store.plan.keys);
      return {
        ...Object.fromEntries(Object.entries(key).map(([name, value]) => [`key_${name}`, value])),
        hop_ms: hop.hopMs,
        tile_start: (group.tileNo[slot] as number) * hop.hopMs,
        newest_event_time: group.newest[slot],
        cause_partition: group.causePartition[slot],
        cause_offset: group.causeOffset[slot],
        version,
        generation,
        watermark: store.watermark,
        ...Object.fromEntries(slots.map(({ name }) => [name, null])),
        ...Object.fromEntries(
          columns.nums.map(({ name }, i) => [name, group.nums[slot * hop.nums + i]]),
        ),
        ...Object.fromEntries(
          columns.refs.map(({ name }, i) => [
            name,
            encoders[i]?.encode(group.refs[slot * hop.refs + i]),
          ]),
        ),
      };
    }),
  );

test('the bytes are the reference codec\u2019s, and decode to the tile', () => {
  let written = 0;
  fc.assert(
    fc.property(
      definitions({ dimension: true }),
      rawEvents(15),
      fc.integer({ min: 1, max: 1e6 }),
      (all, events, version) => {
        const plan = planView(all.view, all.source, all.entity);
        const codec = tileCodec(plan);
        const reference = avroCodec(featuresAvroSchema(plan));
        const store = createTileStore(plan);
        for (const { row, eventTime, partition, offset, logTime } of events)
          store.process(row, eventTime, partition, offset, logTime);
        const expected = recordsOf(store, version, 3);
        const tiles = store.groups.flatMap((group) =>
          group.changed.map((slot) => ({
            hopMs: group.hop.hopMs,
            newestEventTime: group.newest[slot] as number,
            nums: Array.from(
              group.nums.subarray(slot * group.hop.nums, (slot + 1) * group.hop.nums),
            ),
            refs: group.refs.slice(slot * group.hop.refs, (slot + 1) * group.hop.refs),
          })),
        );
        const got: { readonly bytes: Uint8Array; readonly key: string }[] = [];
        codec.encodeChanges(store, version, 3, (bytes, key) => got.push({ bytes, key }));
        expect(got).toHaveLength(expected.length);
        got.forEach(({ bytes, key }, i) => {
          expect(Buffer.from(bytes).toString('hex')).toBe(
            reference.toBuffer(expected[i]).toString('hex'),
          );
          const { nums, refs, hopMs, newestEventTime, ...update } = codec.decode(bytes);
          expect({ hopMs, newestEventTime, nums: Array.from(nums), refs }).toEqual(tiles[i]);
          expect(update.key).toBe(key);
          expect([update.version, update.generation, update.watermark]).toEqual([
            version,
            3,
            store.watermark,
          ]);
        });
        written += got.length;
        codec.encodeChanges(store, version, 3, () =>
          expect.unreachable('a change is written once'),
        );
      },
    ),
    { numRuns: 200 },
  );
  expect(written).toBeGreaterThan(100);
});
