/**
 * What is known of topics whose log gives offsets to what is no record, and deletes records by
 * itself. Both are statements about the log, so they stay true whatever happens to the history.
 */

/** Offsets [from, below) of a partition. */
export interface OffsetSpan {
  readonly from: number;
  readonly below: number;
}

export interface TopicNote {
  /** by partition: offsets that have no record: markers, erased ones; null: none is known */
  readonly empty: readonly (OffsetSpan | null)[];
  /**
   * by partition: the platform itself deleted the records below this offset, when every computation
   * of them was further; 0: none
   */
  readonly trimmed: readonly number[];
}

export interface TopicNotes {
  /** null: nothing was noted of this topic, or of another one that had its name */
  readonly find: (topic: string) => Promise<TopicNote | null>;
  readonly write: (topic: string, note: TopicNote) => Promise<void>;
}
