/**
 * A record of late.<view>: a raw event that arrived after its tile closed
 * (`domain/tiles/lateness.ts`), with its log position.
 */
import { avroCodec } from '#domain/avro/codec.ts';
import type { LateEvent } from '#domain/tiles/lateness.ts';

export interface LateEventRecord extends LateEvent {
  readonly generation: number;
}

export const lateEventSchema = {
  type: 'record',
  name: 'LateEvent',
  namespace: 'millrace',
  fields: [
    { name: 'key', type: 'string' },
    { name: 'eventTime', type: 'long' },
    { name: 'partition', type: 'int' },
    { name: 'offset', type: 'long' },
    { name: 'hopMs', type: 'long' },
    { name: 'lateBy', type: 'long' },
    { name: 'generation', type: 'int' },
  ],
} as const;

const type = avroCodec(lateEventSchema);

export const encodeLateEvent = (record: LateEventRecord): Uint8Array => type.toBuffer(record);
export const decodeLateEvent = (bytes: Uint8Array): LateEventRecord =>
  ({ ...type.fromBuffer(Buffer.from(bytes)) }) as LateEventRecord;
