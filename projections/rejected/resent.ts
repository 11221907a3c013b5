/** Which rejected events were published again, when and by whom: from resent.<source>. */
import { decodeResentEvent } from '#domain/events/resent-event.ts';
import type { Log } from '#domain/ports/log.ts';
import { readPartition } from '#domain/ports/read-partition.ts';
import { resentTopic } from '#domain/ports/topics.ts';

export interface Resent {
  /** epoch ms */
  readonly at: number;
  readonly by: string;
}

/** offset in rejected.<source> → its resend; contains all that were resent before the call */
export type ResentEvents = (source: string) => Promise<ReadonlyMap<number, Resent>>;

export const createResentEvents = (log: Log): ResentEvents => {
  const kept = new Map<string, { next: number; readonly resent: Map<number, Resent> }>();
  return async (source) => {
    let state = kept.get(source);
    if (state === undefined) {
      state = { next: 0, resent: new Map() };
      kept.set(source, state);
    }
    for await (const records of readPartition(log, resentTopic(source), 0, { from: state.next }))
      for (const { offset, value, logTime } of records) {
        const { offset: rejected, actor } = decodeResentEvent(value);
        state.resent.set(rejected, { at: logTime, by: actor });
        state.next = Math.max(state.next, offset + 1);
      }
    return state.resent;
  };
};
