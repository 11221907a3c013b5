/**
 * The values of every entity at one time, from the tiles in this process, where these have them: a
 * batch at the present time then needs no raw events. All of them are as known at one moment, that
 * of the call; they are read in pieces, between which the process serves others.
 */
import { fail } from '#domain/errors.ts';
import { decodeKey, encodeKey } from '#domain/plan/entity-key.ts';
import type { EntityKey, FeatureStatus, ViewPlan } from '#domain/plan/plan.ts';
import { widestOf } from '#domain/plan/widest-keys.ts';
import type { PlannedValues, ValuesChunk, ValuesJob } from '#domain/ports/training-set-builder.ts';
import { existsInTiles } from '#domain/tiles/entity-exists.ts';
import { answersAt, type StoreScan, scanStore } from '#domain/tiles/store-scan.ts';
import type { TileStore } from '#domain/tiles/tile-store.ts';
import { resultValues, setValue } from '#domain/training-sets/columns.ts';
import { spineOfValues, TIME_COLUMN } from '#domain/training-sets/spine-of-values.ts';
import { statusCode, statusCodes } from '#domain/training-sets/statuses.ts';
import {
  type NamedType,
  planTrainingSet,
  type TrainingSetPlan,
} from '#domain/training-sets/training-set-plan.ts';
import type { Row, Scalar, Value } from '#domain/values/value.ts';
import { turns } from '#projections/turns.ts';
import type { Computing } from './entities.ts';
import type { Pinned } from './pin-target.ts';

export interface PresentValues extends Pick<ValuesJob, 'at' | 'rows' | 'keys'> {
  /** All values, once. @throws where `isLost` */
  readonly chunks: () => AsyncGenerator<ValuesChunk>;
  /** Whether the tiles changed in a way after which they do not have the values any more. */
  readonly isLost: () => boolean;
  /** The entities as rows of a spine. */
  readonly spine: () => readonly Row[];
  readonly end: () => void;
}

/** Rows of a piece; as many as DuckDB takes at once. */
const CHUNK = 2_048;

/** In files, whole and fractional numbers of keys differ, and bytes are texts. */
const OTHER_KEYS: ReadonlySet<string> = new Set(['float', 'double', 'bytes']);

type Keys = ViewPlan['keys'];

interface ViewReader {
  readonly scan: StoreScan;
  /** null: the keys of the rows are its keys */
  readonly keyOf: ((entity: EntityKey) => string) | null;
  /** index of the planned value, and of the feature in the view's plan */
  readonly columns: readonly (readonly [value: number, feature: number])[];
}

const sameKeys = (a: Keys, b: Keys): boolean =>
  a.length === b.length && a.every(({ name }, i) => b[i]?.name === name);

/** @returns null where the view's plan lacks a feature, because it is of another version */
const readerOf = (
  { values }: TrainingSetPlan,
  store: TileStore,
  at: number,
  keys: Keys,
): ViewReader | null => {
  const { view, features, keys: own } = store.plan;
  const columns = values.flatMap((value, i) =>
    value.from === 'feature' && value.view === view
      ? [[i, features.findIndex(({ name }) => name === value.feature)] as const]
      : [],
  );
  if (columns.some(([, feature]) => feature < 0)) return null;
  const keyOf = sameKeys(own, keys)
    ? null
    : (entity: EntityKey) => encodeKey(own.map(({ name }) => entity[name] as Scalar));
  return { scan: scanStore(store, at), keyOf, columns };
};

const keysOf = ({ plan, groups, keys }: TileStore): readonly string[] =>
  plan.existence === null
    ? [...keys]
    : keys.filter((_, entity) => existsInTiles(plan, groups, entity));

/** The tiles of all views; null where those of one do not answer. */
const storesOf = (
  views: Pinned['views'],
  at: number,
  computing: Computing,
): readonly TileStore[] | null => {
  const stores: TileStore[] = [];
  for (const { view, generation } of views) {
    const store = computing(view, generation)?.presentTiles?.() ?? null;
    if (store === null || !answersAt(store, at)) return null;
    stores.push(store);
  }
  // A dropped entity of one view can have values in another.
  return stores.length > 1 && stores.some(({ dropped }) => !dropped.isEmpty) ? null : stores;
};

const fill = (
  reader: ViewReader,
  key: string,
  entity: EntityKey,
  into: readonly PlannedValues[],
  row: number,
  scratch: { readonly values: Value[]; readonly status: FeatureStatus[] },
): void => {
  const { scan, keyOf, columns } = reader;
  const { values, status } = scratch;
  scan.read(scan.indexOf(keyOf === null ? key : keyOf(entity)), values, status);
  for (const [value, feature] of columns) {
    const column = into[value] as PlannedValues;
    setValue(column.values, row, values[feature] as Value);
    if (column.statuses !== undefined)
      column.statuses[row] = statusCode(status[feature] as FeatureStatus);
  }
};

/** @returns null where the tiles do not have the values: raw events do */
export const presentValues = (
  { target, views }: Pinned,
  { at, withStatus }: { readonly at: number; readonly withStatus: boolean },
  computing: Computing,
): PresentValues | null => {
  const plan = planTrainingSet(target, withStatus);
  const stores = storesOf(views, at, computing);
  if (stores === null || plan.request.length > 0) return null;
  const { keys, same } = widestOf(stores);
  if (keys.some(({ type }) => OTHER_KEYS.has(type.base))) return null;
  const readers = stores.flatMap((store) => readerOf(plan, store, at, keys) ?? []);
  const end = (): void => {
    for (const { scan } of readers) scan.end();
  };
  if (readers.length < stores.length) {
    end();
    return null;
  }
  const all = same.map(keysOf);
  const entities = all.length === 1 ? (all[0] as readonly string[]) : [...new Set(all.flat())];
  const isLost = (): boolean => readers.some(({ scan }) => scan.isLost());
  const wantsStatus = new Set(
    plan.columns.flatMap(({ value, status }) => (status === null ? [] : [value])),
  );
  const scratch = { values: [] as Value[], status: [] as FeatureStatus[] };

  const chunkOf = (from: number): ValuesChunk => {
    const rows = Math.min(CHUNK, entities.length - from);
    const columns = keys.map(() => new Array<Value>(rows).fill(null));
    const values = plan.values.map(({ from: origin, type }, i) => ({
      values: resultValues(type, rows),
      ...(origin === 'feature' && wantsStatus.has(i) ? { statuses: statusCodes(rows) } : {}),
    }));
    for (let row = 0; row < rows; row++) {
      const key = entities[from + row] as string;
      const entity = decodeKey(key, keys);
      for (let k = 0; k < keys.length; k++)
        (columns[k] as Value[])[row] = entity[(keys[k] as NamedType).name] ?? null;
      for (const reader of readers) fill(reader, key, entity, values, row, scratch);
    }
    return { rows, keys: columns, values };
  };

  return {
    at,
    rows: entities.length,
    keys: keys.map(({ name, type }) => ({ name, type })),
    async *chunks() {
      const turn = turns();
      for (let from = 0; from < entities.length; from += CHUNK) {
        if (isLost())
          fail('MR_UNAVAILABLE', 'the entities in memory have changed during the batch', {});
        yield chunkOf(from);
        await turn();
      }
    },
    isLost,
    spine: () =>
      spineOfValues(
        target,
        entities.map((key) => ({ ...decodeKey(key, keys), [TIME_COLUMN]: at })),
      ),
    end,
  };
};
