/**
 * The stream of commits on a KurrentDB server. All requests go to the leader: a follower may lag,
 * and a caller would not read its own commits. This file alone needs a server to be tested:
 * tests/stack/kurrent runs it where MILLRACE_KURRENTDB_URL is set.
 */
import {
  BACKWARDS,
  END,
  isCommandError,
  jsonEvent,
  KurrentDBClient,
  NO_STREAM,
  START,
  StreamNotFoundError,
  WrongExpectedVersionError,
} from '@kurrent/kurrentdb-client';
import { MillraceError } from '#domain/errors.ts';
import { type CommitStream, EMPTY, type RecordedStreamEvent } from './commit-stream.ts';

interface KurrentAddress {
  /** kurrentdb://host:2113?tls=false, as KurrentDB's own clients accept it */
  readonly url: string;
  /** the stream's name, one for each platform */
  readonly stream: string;
}

const ANSWER_MS = 10_000;
/** Refusals that another attempt would meet again. */
const REFUSALS = new Set([
  'access-denied',
  'maximum-append-size-exceeded',
  'append-record-size-exceeded',
  'stream-tombstoned',
]);
/** The host without the rest: a connection string may contain a password. */
const hostOf = (url: string): string =>
  url.replace(/^[^:]*:\/\/(?:[^@/]*@)?/, '').replace(/[/?].*$/, '');

export const kurrentStream = ({ url, stream }: KurrentAddress): CommitStream => {
  const client = KurrentDBClient.connectionString(url);
  const onLeader = { requiresLeader: true } as const;

  const unavailable = (error: Error, why: string): MillraceError =>
    new MillraceError(
      'MR_STORE_UNAVAILABLE',
      `KurrentDB at ${hostOf(url)} does not answer (${why}): ${error.message}`,
      {
        store: 'kurrentdb',
      },
    );
  const translated = (error: unknown): unknown => {
    if (!(error instanceof Error)) return error;
    if (!isCommandError(error))
      // An error of gRPC, from before the client's command began. Other errors are defects.
      return typeof (error as { code?: unknown }).code === 'number'
        ? unavailable(error, 'no connection')
        : error;
    if (!REFUSALS.has(error.type)) return unavailable(error, error.type);
    return new MillraceError(
      'MR_STORAGE_FAILED',
      `KurrentDB at ${hostOf(url)} refuses (${error.type}): ${error.message}`,
      {
        store: 'kurrentdb',
      },
    );
  };

  const recorded = async (
    options: Parameters<typeof client.readStream>[1],
    found: (event: RecordedStreamEvent) => void,
  ): Promise<void> => {
    try {
      for await (const { event } of client.readStream(stream, { ...onLeader, ...options }))
        if (event !== undefined)
          found({
            id: event.id,
            type: event.type,
            data: event.data,
            revision: Number(event.revision),
          });
    } catch (error) {
      if (!(error instanceof StreamNotFoundError)) throw translated(error);
    }
  };

  return {
    async append({ id, type, data }, newest) {
      try {
        await client.appendToStream(
          stream,
          jsonEvent({ id, type, data: data as Record<string, unknown> }),
          {
            ...onLeader,
            streamState: newest === EMPTY ? NO_STREAM : BigInt(newest),
            deadline: ANSWER_MS,
          },
        );
        return true;
      } catch (error) {
        if (error instanceof WrongExpectedVersionError) return false;
        throw translated(error);
      }
    },
    async read(revision, limit) {
      const events: RecordedStreamEvent[] = [];
      await recorded({ fromRevision: BigInt(revision), maxCount: limit }, (event) =>
        events.push(event),
      );
      return events;
    },
    async newest() {
      let newest = EMPTY;
      await recorded({ direction: BACKWARDS, fromRevision: END, maxCount: 1 }, ({ revision }) => {
        newest = revision;
      });
      return newest;
    },
    subscribe(after, onRevision, onLost) {
      const fromRevision = after === EMPTY ? START : BigInt(after);
      const subscription = client.subscribeToStream(stream, { ...onLeader, fromRevision });
      let over = false;
      const lost = (): void => {
        if (over) return;
        over = true;
        onLost();
      };
      subscription.on('data', ({ event }) => {
        if (!over && event !== undefined) onRevision(Number(event.revision));
      });
      // The listeners stay: an error event without a listener would end the process.
      subscription.on('error', lost).on('end', lost).on('close', lost);
      return () => {
        over = true;
        void subscription.unsubscribe().catch(() => {});
      };
    },
    close: () => client.dispose(),
  };
};
