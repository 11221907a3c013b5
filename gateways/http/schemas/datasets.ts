/** Values written to files and tables: training sets, batches, rollups. */
import { type Static, Type } from 'typebox';
import type {
  BatchResult,
  DatasetStatus,
  RollupRequest,
  RollupResult,
} from '#domain/api/datasets.ts';
import { DATASET_ENGINES } from '#domain/datasets/data-set-engine.ts';
import type { DatasetDiff } from '#domain/datasets/diff.ts';
import type { DatasetManifest } from '#domain/datasets/manifest.ts';
import type { RowDiff } from '#domain/datasets/row-diff.ts';
import type { Row } from '#domain/values/value.ts';
import { problem } from './problem.ts';
import {
  anything,
  closed,
  epoch,
  nullable,
  oneOf,
  record,
  shapeOf,
  time,
  type WithTimes,
} from './shapes.ts';

const text = Type.Optional(Type.String());
const mode = oneOf('event-time', 'as-served');
const engine = Type.Optional(oneOf(...DATASET_ENGINES));
const every = oneOf('day', 'hour');
const withStatus = Type.Optional(Type.Boolean());

const spine = closed({
  file: text,
  sql: Type.Optional(
    Type.String({ description: 'one query; its rows are the spine, read with your rights' }),
  ),
  rows: Type.Optional(Type.Array(record<Row>())),
  grid: Type.Optional(
    closed({
      from: time,
      to: time,
      every: Type.String({ description: 'duration, such as 1h' }),
    }),
  ),
  events: Type.Optional(
    closed({
      source: Type.String(),
      label: Type.Optional(Type.Array(Type.String())),
      from: Type.Optional(time),
      to: Type.Optional(time),
    }),
  ),
});
export type SpineBody = Static<typeof spine>;

export const rerunBody = closed({
  spine: Type.Optional(spine),
  out: text,
  overwrite: Type.Optional(Type.Boolean()),
  engine,
});
export type RerunBody = Static<typeof rerunBody>;

export const datasetManifest = shapeOf<DatasetManifest>()(anything<DatasetManifest>());

export const datasetDiff = shapeOf<DatasetDiff>()(
  Type.Object({
    first: Type.String(),
    second: Type.String(),
    sameBytes: nullable(Type.Boolean()),
    differences: Type.Array(
      Type.Object({ path: Type.String(), first: anything(), second: anything() }),
    ),
  }),
);

const rowPlace = {
  key: record(),
  time: anything(),
  nth: Type.Integer({ description: 'which of the rows of this key and time, from 1' }),
};
const places = Type.Array(Type.Object(rowPlace));
const names = Type.Array(Type.String());

export const rowDiffQuery = closed({
  with: Type.String(),
  examples: Type.Optional(Type.String({ description: 'of each kind, at most' })),
});
export type RowDiffQuery = Static<typeof rowDiffQuery>;

export const rowDiff = shapeOf<RowDiff>()(
  Type.Object({
    keys: names,
    rows: Type.Object({ first: Type.Integer(), second: Type.Integer() }),
    same: Type.Integer(),
    changed: Type.Integer(),
    onlyFirst: Type.Integer(),
    onlySecond: Type.Integer(),
    columns: Type.Array(
      Type.Object({
        column: Type.String(),
        changed: Type.Integer(),
        types: Type.Optional(Type.Object({ first: Type.String(), second: Type.String() })),
        examples: Type.Array(Type.Object({ ...rowPlace, first: anything(), second: anything() })),
      }),
    ),
    columnsOfOne: Type.Object({ first: names, second: names }),
    rowsOfOne: Type.Object({ first: places, second: places }),
  }),
);

export const datasetBody = closed({
  service: text,
  view: text,
  spine,
  name: text,
  newVersion: Type.Optional(Type.Boolean()),
  out: text,
  overwrite: Type.Optional(Type.Boolean()),
  mode: Type.Optional(mode),
  known: Type.Optional(time),
  withStatus,
  engine,
});
export type DatasetBody = Static<typeof datasetBody>;

export const datasetStatus = shapeOf<DatasetStatus>()(
  Type.Object({
    id: Type.String(),
    name: text,
    version: Type.Optional(Type.Integer()),
    state: oneOf('running', 'done', 'failed', 'cancelled'),
    progress: Type.Number(),
    stage: Type.String(),
    rows: nullable(Type.Integer()),
    out: Type.String(),
    mode,
    features: Type.Array(Type.String()),
    views: Type.Array(
      Type.Object({
        view: Type.String(),
        version: Type.Integer(),
        generation: nullable(Type.Integer()),
      }),
    ),
    known: epoch,
    error: nullable(problem),
    startedAt: epoch,
    finishedAt: nullable(epoch),
  }),
);

export const datasetStatuses = Type.Array(datasetStatus);

export const batchBody = closed({
  service: text,
  view: text,
  out: Type.String(),
  overwrite: Type.Optional(Type.Boolean()),
  at: Type.Optional(time),
  withStatus,
});
export type BatchBody = Static<typeof batchBody>;

export const batchResult = shapeOf<BatchResult>()(
  Type.Object({ rows: Type.Integer(), out: Type.String() }),
);

type RollupWish = WithTimes<Omit<RollupRequest, 'every'>, 'from' | 'to'> &
  Partial<Pick<RollupRequest, 'every'>>;

export const rollupBody = shapeOf<RollupWish>()(
  closed({
    view: Type.String(),
    every: Type.Optional(every),
    from: Type.Optional(time),
    to: Type.Optional(time),
    features: Type.Optional(Type.Array(Type.String())),
    again: Type.Optional(Type.Boolean()),
  }),
);
export type RollupBody = Static<typeof rollupBody>;

export const rollupResult = shapeOf<RollupResult>()(
  Type.Object({
    view: Type.String(),
    version: Type.Integer(),
    generation: Type.Integer(),
    every,
    from: epoch,
    to: epoch,
    features: Type.Array(Type.String()),
    table: Type.String(),
    rows: Type.Integer(),
  }),
);
