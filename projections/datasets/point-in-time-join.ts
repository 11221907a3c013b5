/**
 * The point-in-time join: for every row of a spine, the values of views at (entity, row's time), each event counted only from the time
 * on at which it could be seen.
 *
 *   visible(e)   event-time mode: e's event time;   as-served mode: the later of its known time and its event time
 *   events       sorted by visible time    e1 ≤ e2 ≤ e3 ≤ …
 *   spine        sorted by its time        T1 ≤ T2 ≤ …
 *   merge        feed every event with visible(e) ≤ T into the view's tile store, then read it at T
 *
 * What is not yet fed cannot be read: there is no other guard against leakage, and none is needed. No event fed is later than T, so
 * the store can always answer from its tiles; tiles that no window reaches from T any more are let go, so the state stays as small as
 * a server's. Lateness has no part in it: events that a live generation dropped as late come as `excluded` positions.
 */
import type { ScannedColumns } from '#domain/ports/history.ts';
import type { FieldType, Position, Value } from '#domain/values/value.ts';
import type { FeatureStatus, ViewPlan } from '#domain/views/plan.ts';
import { createTileStore, type TileStore } from '#domain/views/tile-store.ts';
import { type ResultValues, setValue } from './columns.ts';
import { type EventKeys, type EventRow, eventKeys, eventRow } from './event-row.ts';
import type { SpineKeys } from './spine-keys.ts';

export interface VisibleEvents extends ScannedColumns {
  /** ascending, over all batches of a scan */
  readonly visible: Float64Array;
}

export interface JoinedView {
  readonly plan: ViewPlan;
  readonly keys: SpineKeys;
  /** index of the plan's feature → where its values go, by row of the spine */
  readonly outputs: readonly { readonly feature: number; readonly values: ResultValues }[];
  readonly excluded?: readonly Position[];
}

/** One scan of one source, and the views over it. */
export interface JoinPass {
  readonly fields: Readonly<Record<string, FieldType>>;
  readonly views: readonly JoinedView[];
  readonly events: AsyncIterable<VisibleEvents>;
}

export interface JoinSpine {
  /** epoch ms, by row */
  readonly times: Float64Array;
  /** the rows to answer, by time */
  readonly order: Uint32Array;
}

export interface JoinOptions {
  readonly signal?: AbortSignal;
  /** after each batch: events fed so far */
  readonly onProgress?: (events: number) => void;
}

interface Feed {
  use(batch: VisibleEvents): void;
  take(i: number): void;
  answer(row: number, at: number): void;
}

const positionsSet = (positions: readonly Position[]): ((partition: number, offset: number) => boolean) | null => {
  if (positions.length === 0) return null;
  const offsets = new Map<number, Set<number>>();
  for (const { partition, offset } of positions) {
    const set = offsets.get(partition) ?? new Set();
    set.add(offset);
    offsets.set(partition, set);
  }
  return (partition, offset) => offsets.get(partition)?.has(offset) === true;
};

const NO_COLUMN: Float64Array = new Float64Array(0);

const feedOf = (view: JoinedView, event: EventRow): Feed => {
  const { plan, outputs } = view;
  const keys: EventKeys = eventKeys(plan);
  const { ids, keys: spineKeys } = view.keys;
  const isExcluded = positionsSet(view.excluded ?? []);
  let key: string | null = null;
  const store: TileStore = createTileStore({ ...plan, latenessMs: null, keyOf: () => key });
  const out: Value[] = new Array<Value>(plan.features.length).fill(null);
  const status: FeatureStatus[] = new Array<FeatureStatus>(plan.features.length).fill('null');
  let [eventTime, partition, offset] = [NO_COLUMN, NO_COLUMN, NO_COLUMN];
  let uncleared = 0;
  return {
    use(batch) {
      keys.use(batch);
      ({ eventTime, partition, offset } = batch);
    },
    take(i) {
      if (isExcluded?.(partition[i] as number, offset[i] as number)) return;
      key = keys.of(i, event.row);
      if (key === null) return;
      // Without a log time of its own the watermark is the newest event time, which no time still to be asked for is before.
      store.process(event.row, eventTime[i] as number, partition[i] as number, offset[i] as number, Number.POSITIVE_INFINITY);
      // Nobody wants the changes; a tile marked as changed would never be let go.
      if (++uncleared === 64) {
        uncleared = 0;
        for (const group of store.groups) group.clearChanged();
      }
    },
    answer(row, at) {
      const id = ids[row] as number;
      if (id < 0) return;
      if (store.read(spineKeys[id] as string, at, out, status) !== 'ok')
        throw new Error(`view ${plan.view} was fed an event later than ${at}`);
      for (const { feature, values } of outputs) setValue(values, row, out[feature] as Value);
    },
  };
};

/** Fills the outputs of every view of the pass. Stops with the signal's reason where it is aborted. */
export const joinPointInTime = async (
  pass: JoinPass,
  { times, order }: JoinSpine,
  { signal, onProgress }: JoinOptions = {},
): Promise<void> => {
  const event = eventRow(pass.fields);
  const feeds = pass.views.map((view) => feedOf(view, event));
  let next = 0;
  let nextTime = order.length === 0 ? Number.POSITIVE_INFINITY : (times[order[0] as number] as number);
  const answer = (): void => {
    const row = order[next] as number;
    for (let f = 0; f < feeds.length; f++) (feeds[f] as Feed).answer(row, nextTime);
    next++;
    nextTime = next < order.length ? (times[order[next] as number] as number) : Number.POSITIVE_INFINITY;
  };

  let fed = 0;
  for await (const batch of pass.events) {
    signal?.throwIfAborted();
    event.use(batch);
    for (const feed of feeds) feed.use(batch);
    const { visible } = batch;
    for (let i = 0; i < batch.count; i++) {
      while (nextTime < (visible[i] as number)) answer();
      event.at(i);
      for (let f = 0; f < feeds.length; f++) (feeds[f] as Feed).take(i);
    }
    fed += batch.count;
    onProgress?.(fed);
    if (next === order.length) return;
  }
  signal?.throwIfAborted();
  while (next < order.length) answer();
};
