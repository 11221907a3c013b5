/**
 * The commits that were read, in memory, as the registry's streams with their versions. KurrentDB
 * has only one stream.
 */
import { MillraceError } from '#domain/errors.ts';
import type { Commit, NewCommit, StoredEvent } from '#domain/ports/event-store.ts';
import { EMPTY, type RecordedStreamEvent, type StreamEvent } from './commit-stream.ts';

export interface CommitBody extends NewCommit {
  /** of the stream, after this commit */
  readonly version: number;
}

export const positionOf = (revision: number): number => revision + 1;
export const revisionOf = (position: number): number => position - 1;

export const toEvent = (id: string, body: CommitBody): StreamEvent => ({
  id,
  type: body.command.type,
  data: body,
});

export const toCommit = ({ revision, data }: RecordedStreamEvent): Commit => {
  const { stream, version, command, events, refusal } = data as CommitBody;
  return { stream, command, events, refusal, position: positionOf(revision), version };
};

interface CachedCommits {
  /** the newest revision that was added */
  readonly newest: () => number;
  readonly version: (stream: string) => number;
  readonly events: (stream: string) => readonly StoredEvent[];
  /**
   * Adds the event after the newest; ignores an older one.
   * @throws MR_STORAGE_FAILED where events are missing between the two
   */
  readonly add: (event: RecordedStreamEvent) => void;
}

export const cachedCommits = (): CachedCommits => {
  const streams = new Map<string, StoredEvent[]>();
  let newest = EMPTY;
  return {
    newest: () => newest,
    version: (stream) => streams.get(stream)?.length ?? 0,
    events: (stream) => [...(streams.get(stream) ?? [])],
    add(event) {
      if (event.revision <= newest) return;
      if (event.revision > newest + 1)
        throw new MillraceError(
          'MR_STORAGE_FAILED',
          `the registry's stream in KurrentDB continues at revision ${event.revision} after ${newest}: it was truncated (maxAge, maxCount, truncateBefore), and must have all its events`,
          { store: 'kurrentdb' },
        );
      const { stream, events } = toCommit(event);
      newest = event.revision;
      if (events.length === 0) return;
      const before = streams.get(stream);
      if (before === undefined) streams.set(stream, [...events]);
      else before.push(...events);
    },
  };
};
