/**
 * What the event store uses of KurrentDB: one stream, with compare-and-set appends, reads and a
 * subscription. `kurrent-stream.ts` implements it over the server; tests use one in memory
 * (tests/support/memory-commit-stream.ts).
 */
export interface StreamEvent {
  /** a UUID; a second append with the same id is recognized */
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
}

export interface RecordedStreamEvent extends StreamEvent {
  /** 0, 1, 2, … without a gap */
  readonly revision: number;
}

/** The newest revision of a stream without events. */
export const EMPTY = -1;

export interface CommitStream {
  /**
   * Appends if `newest` is still the stream's newest revision. False: it is not, and nothing was
   * written.
   * @throws MR_STORE_UNAVAILABLE without an answer: the event may be written or not
   */
  append(event: StreamEvent, newest: number): Promise<boolean>;
  /**
   * Events from `revision` on, in order, at most `limit`. They include every append that was
   * answered before this read.
   */
  read(revision: number, limit: number): Promise<readonly RecordedStreamEvent[]>;
  newest(): Promise<number>;
  /**
   * Calls `onRevision` for each revision after `after`, until the subscription ends. `onLost` is
   * called once when it breaks.
   * @returns the function that ends the subscription
   */
  subscribe(after: number, onRevision: (revision: number) => void, onLost: () => void): () => void;
  close(): Promise<void>;
}
