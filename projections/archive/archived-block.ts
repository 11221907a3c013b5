/**
 * Many events of the history as records of the log, encoded one after the other: an event takes
 * little more memory than in the log.
 */
import { erasedRecord, isErased, type LogRecord } from '#domain/ports/log.ts';
import type { EncodedRow } from '#domain/sources/raw-records.ts';

export interface ArchivedBlock {
  /** bytes of its records */
  readonly bytes: number;
  /** The records of [from, below), which are in the block. */
  readonly records: (from: number, below: number) => readonly LogRecord[];
}

/** An event, or the place of an erased one. */
export interface ArchivedEvent {
  readonly logTime: number;
  /** null: it was erased */
  readonly row: EncodedRow | null;
}

/** @param events those of the offsets from `first` on, without a gap */
export const archivedBlock = (
  topic: string,
  partition: number,
  first: number,
  events: readonly ArchivedEvent[],
): ArchivedBlock => {
  const erased = erasedRecord(topic, partition);
  const schemaIds = new Uint32Array(events.length);
  const logTimes = new Float64Array(events.length);
  const ends = new Float64Array(events.length + 1);
  const values = events.map(({ logTime, row }, i) => {
    const { schemaId, value } = row ?? erased;
    schemaIds[i] = schemaId;
    logTimes[i] = logTime;
    ends[i + 1] = (ends[i] as number) + value.length;
    return value;
  });
  const bytes = Buffer.concat(values);
  const recordAt = (offset: number): LogRecord => {
    const i = offset - first;
    const logTime = logTimes[i] as number;
    const schemaId = schemaIds[i] as number;
    if (isErased({ schemaId })) return { ...erased, offset, logTime };
    const value = bytes.subarray(ends[i], ends[i + 1]);
    return { topic, partition, offset, logTime, key: null, schemaId, value };
  };
  return {
    bytes: bytes.length,
    records: (from, below) => Array.from({ length: below - from }, (_, i) => recordAt(from + i)),
  };
};
