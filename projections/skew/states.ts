/**
 * The states that one view can have answered a read from, and what each lacks.
 *
 * An answer has the position up to which its view had read the log: events below it are included,
 * unless the view left them out as late. A store may be ahead of that position, by events accepted
 * until the answer was logged. A row that tiles could not answer was folded from raw events, which
 * include late ones. So the states are tried in this order:
 *
 * 1. events below the position (always right for the embedded profile's tiles);
 * 2. the same with the late events (raw events, folded);
 * 3. either, with the next event of the log, the next two, … (a store or a log that was ahead);
 * 4. the same for each tile of a hop by itself (a store with the update of one tile and not yet of
 *    another).
 *
 * An event that a state lacks has a level, the step at which it is added: value(0) is the logged
 * value, value(LATE) includes all events.
 */
import type { RawEvent } from '#domain/values/value.ts';

export const IN = 0;
const LAG = 1;
const LEFT_OUT = 2;
export const LATE = 3;

interface Evidence {
  /** of the entity, with event times up to the read's `at`, in the order of the log */
  readonly events: readonly RawEvent[];
  /** the knowledge time of the read, epoch ms */
  readonly known: number;
  /** log time of the logged answer, epoch ms: it cannot include later events */
  readonly loggedAt: number;
  readonly below: (event: RawEvent) => boolean;
  /** width of the view's tiles, ms; 0: one tile for all time */
  readonly hops: readonly number[];
  readonly leftOut: (event: RawEvent) => boolean;
}

/** event → the level at which it is added */
export type State = Uint8Array;

/** The most states of one kind that are tried. */
const MAX_AHEAD = 2_000;
/** The most states of separate tiles that are tried for each hop. */
const MAX_APART = 2_000;

export const inLogOrder = (a: RawEvent, b: RawEvent): number =>
  a.logTime - b.logTime || a.partition - b.partition || a.offset - b.offset;

/** Combinations of how many events of each tile are included. */
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
  // With one tile this is the order of the log, which was tried already.
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
