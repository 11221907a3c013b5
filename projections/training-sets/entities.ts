/** The entities of a batch score: all that its views have values of. */
import { fail } from '#domain/errors.ts';
import { decodeKey } from '#domain/plan/entity-key.ts';
import { widestOf } from '#domain/plan/widest-keys.ts';
import type { EngineGeneration } from '#domain/ports/engine.ts';
import { existsInTiles } from '#domain/tiles/entity-exists.ts';
import type { TileStore } from '#domain/tiles/tile-store.ts';
import type { Row } from '#domain/values/value.ts';
import type { Pinned } from './pin-target.ts';

/** the rows of a dimension at a time */
export type RowsOfSource = (source: string, at: number) => Promise<readonly Row[]>;

export type Computing = (view: string, generation: number) => EngineGeneration | null;

/** The keys of a view, without those that a dimension has no row of at a time. */
const keysAt = async (store: TileStore, at: number, rowsAt: RowsOfSource): Promise<string[]> => {
  const { plan, groups, keys, newest } = store;
  const { existence } = plan;
  if (existence === null) {
    // What it dropped has no values now, but may have had some then.
    if (!store.dropped.isEmpty && at < store.watermark)
      fail(
        'MR_REFUSED',
        `view "${plan.view}" has dropped entities from memory, so a batch of all its entities at a past time would lack some: build a training set with the entities and the time in its spine`,
        { view: plan.view, at },
      );
    return [...keys];
  }
  // Tiles have the state after the newest event only.
  if (keys.every((_, entity) => (newest[entity] as number) <= at))
    return keys.filter((_, entity) => existsInTiles(plan, groups, entity));
  const rows = await rowsAt(plan.source, at);
  return rows.flatMap((row) => (existence.evaluate(row) === 1 ? [plan.keyOf(row) as string] : []));
};

/** Entities of the view whose keys include those of all others, as they are at a time. */
export const entitiesOf = async (
  views: Pinned['views'],
  at: number,
  computing: Computing,
  rowsAt: RowsOfSource,
): Promise<readonly Row[]> => {
  const stores = await Promise.all(
    views.map(
      ({ view, generation }) =>
        computing(view, generation as number)?.tiles() ??
        fail('MR_NOT_FOUND', `view "${view}" is not computing`),
    ),
  );
  const widest = widestOf(stores);
  const keys = new Set((await Promise.all(widest.same.map((s) => keysAt(s, at, rowsAt)))).flat());
  return [...keys].map((key) => ({ ...decodeKey(key, widest.keys) }));
};
