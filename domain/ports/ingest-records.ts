/** What stands between records that producers wrote by themselves and the raw topic. */
import type { LogRecord, OutgoingRecord } from '#domain/ports/log.ts';

export interface IngestedRecords {
  /**
   * accepted ones for the raw topic, the rest for the rejected topic with the reason; what was seen
   * before is left out
   */
  readonly records: readonly OutgoingRecord[];
  /** The append failed: ids seen in this batch are forgotten. */
  undo(): void;
}

/**
 * Records of an ingest topic, in order. @throws where it cannot decide now, e.g. the schema
 * registry is away
 */
export type IngestRecords = (records: readonly LogRecord[]) => Promise<IngestedRecords>;
