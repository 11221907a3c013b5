/** Ingestion of records that producers wrote to an ingest topic. */
import type { LogRecord, OutgoingRecord } from '#domain/ports/log.ts';

export interface IngestedRecords {
  /**
   * accepted records for the raw topic, rejected ones with their reason for the rejected topic;
   * duplicates are left out
   */
  readonly records: readonly OutgoingRecord[];
  /** To be called where the append fails: forgets the event ids of this batch. */
  undo(): void;
}

/**
 * @param records of one ingest topic, in order
 * @throws where records cannot be validated now, because the schema registry is unavailable
 */
export type IngestRecords = (records: readonly LogRecord[]) => Promise<IngestedRecords>;
