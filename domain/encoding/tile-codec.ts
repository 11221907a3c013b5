/**
 * Tile updates to Avro and back. Every event passes through the writer, so it writes packed slots
 * directly as bytes, without intermediate objects; a test compares the bytes with avsc's.
 */

import { ByteWriter } from '#domain/avro/bytes.ts';
import { decodeKey } from '#domain/plan/entity-key.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { TileGroup } from '#domain/tiles/tile-group.ts';
import type { TileStore } from '#domain/tiles/tile-store.ts';
import type { Scalar, ScalarType } from '#domain/values/value.ts';
import { featuresAvroSchema } from './features-schema.ts';
import { type SlotCodec, slotCodecs } from './slot-codecs.ts';
import { type StoredUpdate, storedUpdates } from './stored-updates.ts';

export interface TileCodec {
  /**
   * Encodes the changed tiles of a store, one record each, in no particular order, and marks them
   * unchanged. `emit` receives the bytes and the entity's key.
   */
  readonly encodeChanges: (
    store: TileStore,
    version: number,
    generation: number,
    emit: (value: Uint8Array, key: string) => void,
  ) => void;
  /** a record that this codec wrote */
  readonly decode: (bytes: Uint8Array) => StoredUpdate;
}

interface GroupLayout extends SlotCodec {
  /** the number of slots before and after this hop's, each one null-union byte */
  readonly before: number;
  readonly after: number;
}

const layoutsOf = (plan: ViewPlan): GroupLayout[] => {
  const widths = plan.hops.map(({ nums, refs }) => nums + refs);
  const total = widths.reduce((a, b) => a + b, 0);
  return slotCodecs(plan).map((codec, h) => {
    const before = widths.slice(0, h).reduce((a, b) => a + b, 0);
    return { ...codec, before, after: total - before - (widths[h] as number) };
  });
};

/** A slot may be infinite (an empty min), which Avro doubles represent exactly. */
export const tileCodec = (plan: ViewPlan): TileCodec => {
  const layouts = layoutsOf(plan);
  const writer = new ByteWriter();
  const onlyKey = plan.keys[0]?.name ?? '';
  const keyTypes = plan.keys.map(({ type: t }) => t.base);

  const writePart = (type: ScalarType | undefined, value: Scalar): void => {
    switch (type) {
      case 'string':
        return writer.writeText(value as string);
      case 'bytes':
        return writer.writeBase64(value as string);
      case 'boolean':
        return writer.writeBoolean(value as boolean);
      case 'float':
        return writer.writeFloat(value as number);
      case 'double':
        return writer.writeDouble(value as number);
      default:
        return writer.writeLong(value as number);
    }
  };

  /** A compound key, encoded once. */
  const compoundBytes = (store: TileStore, entity: number): Uint8Array => {
    const known = store.keyBytes[entity];
    if (known !== undefined) return known;
    writer.reset();
    const parts = decodeKey(store.keys[entity] as string, plan.keys);
    plan.keys.forEach(({ name }, i) => void writePart(keyTypes[i], parts[name] as Scalar));
    const bytes = writer.take();
    store.keyBytes[entity] = bytes;
    return bytes;
  };

  /** Begins a record with the entity's key. */
  const beginRecord = (store: TileStore, entity: number): void => {
    if (keyTypes.length > 1) {
      const bytes = compoundBytes(store, entity);
      writer.reset();
      return writer.writeBytes(bytes);
    }
    writer.reset();
    const key = store.keys[entity] as string;
    const isText = keyTypes[0] === 'string';
    writePart(keyTypes[0], isText ? key : (decodeKey(key, plan.keys)[onlyKey] as Scalar));
  };

  const writeSlots = (group: TileGroup, layout: GroupLayout, slot: number): void => {
    const { hop, nums, refs } = group;
    if (layout.before > 0) writer.writeZeros(layout.before);
    const n = slot * hop.nums;
    for (let i = 0; i < hop.nums; i++) {
      writer.writeLong(1);
      if (layout.isLong[i] === true) writer.writeLong(nums[n + i] as number);
      else writer.writeDouble(nums[n + i] as number);
    }
    const r = slot * hop.refs;
    for (let i = 0; i < hop.refs; i++) {
      const bytes = (layout.encodeRef[i] as (ref: unknown) => Uint8Array | null)(refs[r + i]);
      if (bytes === null) writer.writeLong(0);
      else {
        writer.writeLong(1);
        writer.writeBytes(bytes);
      }
    }
    if (layout.after > 0) writer.writeZeros(layout.after);
  };

  return {
    encodeChanges(store, version, generation, emit) {
      store.groups.forEach((group, g) => {
        const { hopMs } = group.hop;
        for (const slot of group.changed) {
          const entity = group.entity[slot] as number;
          beginRecord(store, entity);
          writer.writeLong(hopMs);
          writer.writeLong((group.tileNo[slot] as number) * hopMs);
          writer.writeLong(group.newest[slot] as number);
          writer.writeLong(group.causePartition[slot] as number);
          writer.writeLong(group.causeOffset[slot] as number);
          writer.writeLong(version);
          writer.writeLong(generation);
          writer.writeLong(store.watermark);
          writeSlots(group, layouts[g] as GroupLayout, slot);
          emit(writer.take(), store.keys[entity] as string);
        }
        group.clearChanged();
      });
    },

    decode: storedUpdates(plan)(featuresAvroSchema(plan)).decode,
  };
};
