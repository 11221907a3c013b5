/**
 * A record of rejected.<source>: what a producer sent and why it was rejected, so that it can be
 * corrected and sent again.
 */
import { avroCodec } from '#domain/avro/codec.ts';

interface RejectedEventRecord {
  readonly code: string;
  readonly field: string | null;
  readonly message: string;
  /** the event as received, as JSON text */
  readonly event: string;
  readonly actor: string;
}

export const rejectedEventSchema = {
  type: 'record',
  name: 'RejectedEvent',
  namespace: 'millrace',
  fields: [
    { name: 'code', type: 'string' },
    { name: 'field', type: ['null', 'string'], default: null },
    { name: 'message', type: 'string' },
    { name: 'event', type: 'string' },
    { name: 'actor', type: 'string' },
  ],
} as const;

const type = avroCodec(rejectedEventSchema);

export const encodeRejectedEvent = (record: RejectedEventRecord): Uint8Array =>
  type.toBuffer(record);
export const decodeRejectedEvent = (bytes: Uint8Array): RejectedEventRecord =>
  ({ ...type.fromBuffer(Buffer.from(bytes)) }) as RejectedEventRecord;
