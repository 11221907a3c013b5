/** A record of snapshots.<source>: a complete snapshot of a dimension was published. */
import { avroCodec } from '#domain/avro/codec.ts';

export interface SnapshotTaken {
  /** epoch ms, from which on the rows are the state of the table */
  readonly time: number;
  readonly actor: string;
  /** why the snapshot was published although it is empty; null: it is not empty */
  readonly reason: string | null;
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly gone: number;
}

export const snapshotTakenSchema = {
  type: 'record',
  name: 'SnapshotTaken',
  namespace: 'millrace',
  fields: [
    { name: 'time', type: 'long' },
    { name: 'actor', type: 'string' },
    { name: 'reason', type: ['null', 'string'], default: null },
    { name: 'added', type: 'long' },
    { name: 'changed', type: 'long' },
    { name: 'unchanged', type: 'long' },
    { name: 'gone', type: 'long' },
  ],
} as const;

const type = avroCodec(snapshotTakenSchema);

export const encodeSnapshotTaken = (record: SnapshotTaken): Uint8Array => type.toBuffer(record);
export const decodeSnapshotTaken = (bytes: Uint8Array): SnapshotTaken =>
  ({ ...type.fromBuffer(Buffer.from(bytes)) }) as SnapshotTaken;
