/** A record of resent.<source>: a rejected event was published again. */
import { avroCodec } from '#domain/avro/codec.ts';

export interface ResentEventRecord {
  /** its offset in rejected.<source> */
  readonly offset: number;
  readonly actor: string;
}

export const resentEventSchema = {
  type: 'record',
  name: 'ResentEvent',
  namespace: 'millrace',
  fields: [
    { name: 'offset', type: 'long' },
    { name: 'actor', type: 'string' },
  ],
} as const;

const type = avroCodec(resentEventSchema);

export const encodeResentEvent = (record: ResentEventRecord): Uint8Array => type.toBuffer(record);
export const decodeResentEvent = (bytes: Uint8Array): ResentEventRecord =>
  ({ ...type.fromBuffer(Buffer.from(bytes)) }) as ResentEventRecord;
