/**
 * Turns a decoded Avro record of features.<view> into a tile update, for any writer and with any
 * additional fields.
 */

import { encodeKey } from '#domain/plan/entity-key.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import type { Scalar } from '#domain/values/value.ts';
import { type SlotColumn, slotColumns } from './features-schema.ts';
import type { PlainUpdate } from './pack-updates.ts';

export interface RecordedUpdate extends Omit<PlainUpdate, 'offset'> {
  /** encoded entity key */
  readonly key: string;
  readonly version: number;
  readonly generation: number;
  readonly watermark: number;
}

export const updateReader = (
  plan: ViewPlan,
): ((record: Readonly<Record<string, unknown>>) => RecordedUpdate) => {
  const columns = new Map(
    plan.hops.map(({ hopMs }, hop) => {
      const { nums, refs } = slotColumns(plan, hop);
      return [hopMs, { nums, refs }] as const;
    }),
  );
  const keyOf = (record: Readonly<Record<string, unknown>>): string =>
    encodeKey(
      plan.keys.map(({ name, type }) => {
        const value = record[`key_${name}`];
        return type.base === 'bytes'
          ? Buffer.from(value as Uint8Array).toString('base64')
          : (value as Scalar);
      }),
    );
  const slotOf = (
    record: Readonly<Record<string, unknown>>,
    { name, former }: SlotColumn,
  ): unknown => {
    const value = record[name];
    return value == null && former.length > 0
      ? (former.map((other) => record[other]).find((other) => other != null) ?? value)
      : value;
  };
  return (record) => {
    const hopMs = record.hop_ms as number;
    const mine = columns.get(hopMs);
    return {
      key: keyOf(record),
      hopMs,
      tileStart: record.tile_start as number,
      newestEventTime: record.newest_event_time as number,
      cause: { partition: record.cause_partition as number, offset: record.cause_offset as number },
      version: record.version as number,
      generation: record.generation as number,
      watermark: record.watermark as number,
      nums: Float64Array.from(mine?.nums ?? [], (column) => slotOf(record, column) as number),
      refs: mine?.refs.map((column) => slotOf(record, column)) ?? [],
    };
  };
};
