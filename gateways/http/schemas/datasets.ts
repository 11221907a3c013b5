/** Values written to files and tables: training sets, batches, rollups. */
import { type Static, Type } from 'typebox';
import type {
  BatchResult,
  DatasetStatus,
  RollupRequest,
  RollupResult,
} from '#domain/api/datasets.ts';
import type { Row } from '#domain/values/value.ts';
import { problem } from './problem.ts';
import { closed, epoch, nullable, oneOf, record, shapeOf, time, type WithTimes } from './shapes.ts';

const text = Type.Optional(Type.String());
const mode = oneOf('event-time', 'as-served');
const every = oneOf('day', 'hour');
const withStatus = Type.Optional(Type.Boolean());

export const datasetBody = closed({
  service: text,
  view: text,
  spine: closed({ file: text, rows: Type.Optional(Type.Array(record<Row>())) }),
  out: text,
  overwrite: Type.Optional(Type.Boolean()),
  mode: Type.Optional(mode),
  known: Type.Optional(time),
  withStatus,
});
export type DatasetBody = Static<typeof datasetBody>;

export const datasetStatus = shapeOf<DatasetStatus>()(
  Type.Object({
    id: Type.String(),
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
