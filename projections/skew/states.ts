/**
 * The states from which one view can have answered a read, and what was missing in each.
 *
 * An answer says how far its view had read the log: events below that position are in, unless the
 * view left them out as late. Stores may be further than they say, by events accepted until the
 * answer was logged; and a row that tiles could not answer was folded from raw events, where
 * nothing is left out. So the states are tried in this order:
 *
 *   what lies below the position the embedded profile's tiles, always
 *   the same with what was left out as late raw events, folded
 *   either, and the next event of the log, the next … a store, or a log, that was further than was
 *   said
 *   the same, each tile of a hop by itself a store that had taken in one tile's update and not yet
 *   another's
 *
 * An event that is not in has a level, the step at which it is added: value(0) is what was served,
 * value(LATE) the whole of it.
 */
import type { RawEvent } from '#domain/values/value.ts';

export const IN = 0;
export const LAG = 1;
export const LEFT_OUT = 2;
export const LATE = 3;

export interface Evidence {
  /**
   * of the entity, of event times until the read's `at`, in the order in which the log took them
   */
  readonly events: readonly RawEvent[];
  /** what the read knew, epoch ms */
  readonly known: number;
  /** log time of the record of the answer, epoch ms: nothing later can be in it */
  readonly loggedAt: number;
  readonly below: (event: RawEvent) => boolean;
  /** of the view's tiles, ms; 0: one for all time */
  readonly hops: readonly number[];
  readonly leftOut: (event: RawEvent) => boolean;
}

/** By event: the level at which it is added. */
export type State = Uint8Array;

/**
 * States of one kind, at most: an entity that has more events in a moment is taken as it was at the
 * first of them.
 */
const MAX_AHEAD = 2_000;
/** States of tiles that were read apart, at most, a hop. */
const MAX_APART = 2_000;

export const inLogOrder = (a: RawEvent, b: RawEvent): number =>
  a.logTime - b.logTime || a.partition - b.partition || a.offset - b.offset;

/** Lists of how many of each tile's events are in. */
function* counts(sizes: readonly number[]): Generator<readonly number[]> {
  const [size, ...rest] = sizes;
  if (size === undefined) {
    yield [];
    return;
  }
  for (const others of counts(rest)) for (let n = 0; n <= size; n++) yield [n, ...others];
}

function* tilesApart(
  { state, ahead }: { readonly state: State; readonly ahead: readonly number[] },
  events: readonly RawEvent[],
  hopMs: number,
): Generator<State> {
  const tiles = [
    ...Map.groupBy(ahead, (i) => Math.floor((events[i] as RawEvent).eventTime / hopMs)).values(),
  ];
  // With one tile, the log's order is the tile's.
  if (tiles.length < 2) return;
  let made = 0;
  for (const taken of counts(tiles.map((tile) => tile.length))) {
    if (made++ >= MAX_APART) return;
    const next = state.slice();
    taken.forEach((n, tile) => {
      for (const i of (tiles[tile] as readonly number[]).slice(0, n)) next[i] = IN;
    });
    yield next;
  }
}

export function* statesOf({
  events,
  known,
  loggedAt,
  below,
  leftOut,
  hops,
}: Evidence): Generator<State> {
  const late = events.map(leftOut);
  const outside = (i: number): number =>
    (events[i] as RawEvent).logTime > known ? LATE : late[i] === true ? LEFT_OUT : LAG;
  const kinds = (late.includes(true) ? [false, true] : [false]).map((folded) => {
    const state = new Uint8Array(events.length);
    const ahead: number[] = [];
    events.forEach((event, i) => {
      const counts = folded || late[i] !== true;
      const isIn = counts && below(event);
      state[i] = isIn ? IN : outside(i);
      if (counts && !isIn && event.logTime <= loggedAt) ahead.push(i);
    });
    return { state, ahead };
  });
  for (const { state } of kinds) yield state.slice();
  for (const { state, ahead } of kinds) {
    const next = state.slice();
    for (const i of ahead.slice(0, MAX_AHEAD)) {
      next[i] = IN;
      yield next.slice();
    }
  }
  for (const kind of kinds)
    for (const hopMs of hops) if (hopMs > 0) yield* tilesApart(kind, events, hopMs);
}
