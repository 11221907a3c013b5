/** How the slots of a hop's tiles are written as Avro, and references read again. */
import { avroCodec } from '#domain/avro/codec.ts';
import { type Cursor, plainReader } from '#domain/avro/reader.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import { slotColumns } from './features-schema.ts';

export interface SlotCodec {
  /** by float slot: whether it holds whole numbers, written as a long */
  readonly isLong: readonly boolean[];
  /** by reference slot: its bytes; null: it is null */
  readonly encodeRef: readonly ((ref: unknown) => Uint8Array | null)[];
  readonly decodeRef: readonly ((c: Cursor) => unknown)[];
  /** by reference slot: the reference of null */
  readonly nullRef: readonly (() => unknown)[];
}

/** One for each hop of the plan. */
export const slotCodecs = (plan: ViewPlan): readonly SlotCodec[] =>
  plan.hops.map((hop, h) => {
    const { nums, refs } = slotColumns(plan, h);
    const fields = hop.partials.flatMap(({ partial }) => partial.refs);
    return {
      isLong: nums.map(({ avro: type }) => type === 'long'),
      encodeRef: fields.map((field, i) => {
        const type = avroCodec(refs[i]?.avro);
        return (ref) => {
          const data = field.encode(ref);
          return data === null ? null : type.toBuffer(data);
        };
      }),
      decodeRef: fields.map((field, i) => {
        const read = plainReader(refs[i]?.avro, new Map());
        return (c) => field.decode(read(c));
      }),
      nullRef: fields.map((field) => () => field.decode(null)),
    };
  });
