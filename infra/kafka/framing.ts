/**
 * Confluent's framing of an Avro value: a zero byte, the schema's id in four bytes, the Avro bytes.
 * Flink's `avro-confluent` and every Confluent client read and write it.
 */
export const FRAME_BYTES = 5;
/**
 * The schema id of a record without a frame, which another client wrote: all its bytes are the
 * value.
 */
export const UNFRAMED = -1;

export const frame = (schemaId: number, value: Uint8Array): Buffer => {
  const framed = Buffer.allocUnsafe(FRAME_BYTES + value.length);
  framed[0] = 0;
  framed.writeInt32BE(schemaId, 1);
  framed.set(value, FRAME_BYTES);
  return framed;
};

export const unframe = (
  bytes: Buffer | null,
): { readonly schemaId: number; readonly value: Uint8Array } => {
  if (bytes === null) return { schemaId: UNFRAMED, value: new Uint8Array() };
  if (bytes.length < FRAME_BYTES || bytes[0] !== 0) return { schemaId: UNFRAMED, value: bytes };
  return { schemaId: bytes.readInt32BE(1), value: bytes.subarray(FRAME_BYTES) };
};
