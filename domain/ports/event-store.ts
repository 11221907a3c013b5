import { MillraceError } from '../errors.ts';

/**
 * The event store: the registry's streams and one global order over them.
 *
 * A commit is the outcome of one command: zero (refused) or more events of one stream, with actor,
 * reason and time. Promises (tests/contracts/event-store.contract.ts):
 * - `append` is atomic, durable when it resolves, and throws MR_VERSION_CONFLICT
 *   (details.currentVersion) where the stream is not at `expectedVersion`; of two racing appends
 *   one wins and the other conflicts.
 * - With `ifHead` it throws MR_VERSION_CONFLICT (details.currentHead) where any commit, of
 *   whichever stream, lies after that position: for a decision on facts of other streams. Of two
 *   racing appends on one head one wins and the other conflicts.
 * - Stream versions count events: 1, 2, …; global positions count commits: 1, 2, …, without a gap,
 *   in the order in which they became visible.
 * - `readAll` from p never shows a commit before an older one is visible.
 */
export interface StoredEvent {
  /** past tense: FeatureViewRegistered */
  readonly type: string;
  readonly data: unknown;
}

export interface CommandRecord {
  readonly id: string;
  /** imperative: RegisterFeatureView */
  readonly type: string;
  readonly data: unknown;
  readonly actor: string;
  /** id of the principal; absent: the platform itself, or a record of an old version */
  readonly principal?: string;
  readonly reason: string | null;
  /** epoch ms */
  readonly time: number;
}

export interface NewCommit {
  readonly stream: string;
  readonly command: CommandRecord;
  readonly events: readonly StoredEvent[];
  /** why it was refused; null where it was accepted */
  readonly refusal: { readonly code: string; readonly message: string } | null;
}

export interface Commit extends NewCommit {
  /** global, from 1 */
  readonly position: number;
  /** the stream's version after this commit */
  readonly version: number;
}

export interface AppendOptions {
  /** the position that the decision was made on; absent: it used its own stream only */
  readonly ifHead?: number;
}

export interface EventStore {
  /**
   * @param expectedVersion the stream's version that the decision was made on; 0: no stream yet;
   * null for refusals (no check)
   */
  append(
    commit: NewCommit,
    expectedVersion: number | null,
    options?: AppendOptions,
  ): Promise<Commit>;
  readStream(
    stream: string,
  ): Promise<{ readonly version: number; readonly events: readonly StoredEvent[] }>;
  /** Commits after `position`, in order, at most `limit`. */
  readAll(position: number, limit: number): Promise<readonly Commit[]>;
  head(): Promise<number>;
  onCommit(listener: () => void): () => void;
  /** epoch ms of the last time at which all commits were read; absent: no other process commits */
  heardAt?(): number;
  close(): Promise<void>;
}

/**
 * Checks an append, called by adapters while no other append can happen.
 * @throws MR_VERSION_CONFLICT
 */
export const assertUnchanged = (
  stream: string,
  current: { readonly version: number; readonly head: number },
  expectedVersion: number | null,
  { ifHead }: AppendOptions = {},
): void => {
  const details = {
    stream,
    expectedVersion,
    currentVersion: current.version,
    currentHead: current.head,
  };
  if (expectedVersion !== null && current.version !== expectedVersion) {
    throw new MillraceError(
      'MR_VERSION_CONFLICT',
      `"${stream}" is at version ${current.version}, not ${expectedVersion}: someone changed it in between.`,
      details,
    );
  }
  if (ifHead !== undefined && current.head !== ifHead) {
    throw new MillraceError(
      'MR_VERSION_CONFLICT',
      `The registry is at position ${current.head}, and "${stream}" was decided at ${ifHead}: someone changed something in between.`,
      { ...details, expectedHead: ifHead },
    );
  }
};
