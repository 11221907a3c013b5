/**
 * The little that the event store asks of KurrentDB: one stream, appended to by compare-and-set,
 * read and followed. The logic above it is tested over one in memory
 * (tests/support/memory-commit-stream.ts); `kurrent-stream.ts` is the one over the server.
 */
export interface StreamEvent {
  /** a UUID: a second append of it is recognized as such */
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
   * Appends where `newest` is still the stream's newest revision. False: something else stands
   * behind it, and nothing was written.
   * @throws MR_STORE_UNAVAILABLE where no answer came: the event may stand there or not
   */
  append(event: StreamEvent, newest: number): Promise<boolean>;
  /**
   * From `revision` on, in order, at most `limit`; all that any append before this read was
   * answered for.
   */
  read(revision: number, limit: number): Promise<readonly RecordedStreamEvent[]>;
  newest(): Promise<number>;
  /**
   * Tells of each revision after `after`, until it is left or `onLost` is called, once: after that
   * nothing more is told.
   * @returns leaves
   */
  subscribe(after: number, onRevision: (revision: number) => void, onLost: () => void): () => void;
  close(): Promise<void>;
}
