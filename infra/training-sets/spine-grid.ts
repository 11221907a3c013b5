/**
 * A spine of every entity at each instant of a grid: by time, then by entity key. The entities are
 * those with an event in the views, of all that was known; what each had at an instant is what its
 * values and statuses say.
 */
import { setImmediate } from 'node:timers/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { instantsOf } from '#domain/datasets/check-spine.ts';
import type { GridSpine } from '#domain/datasets/spine.ts';
import { fail } from '#domain/errors.ts';
import { decodeKey } from '#domain/plan/entity-key.ts';
import { widestOf } from '#domain/plan/widest-keys.ts';
import type { TrainingSetJob } from '#domain/ports/training-set-builder.ts';
import { eventFields } from '#domain/training-sets/event-fields.ts';
import { eventRow } from '#domain/training-sets/event-row.ts';
import { refuseRowsAbove } from '#domain/training-sets/row-memory.ts';
import type { TrainingSetPlan } from '#domain/training-sets/training-set-plan.ts';
import type { Row, Scalar, Value } from '#domain/values/value.ts';
import { type EventScan, scanEvents } from './event-files.ts';
import { periodsRead } from './periods.ts';
import type { Spine } from './spine.ts';
import { builtSpine } from './spine-built.ts';
import type { Wanted } from './spine-reader.ts';

type PlannedView = TrainingSetPlan['views'][number];

const addKeys = async (
  connection: DuckDBConnection,
  { definitions, plan }: PlannedView,
  job: Pick<TrainingSetJob, 'sources'>,
  within: EventScan['within'],
  keys: Set<string>,
): Promise<void> => {
  const { source } = definitions;
  const raw = job.sources[source.name];
  if (raw === undefined) return;
  const fields = eventFields([{ definitions, features: [] }], { keys: true });
  const event = eventRow(fields);
  const scan: EventScan = { source, raw, fields, mode: 'event-time', within };
  for await (const batch of scanEvents(connection, scan)) {
    event.use(batch);
    for (let i = 0; i < batch.count; i++) {
      event.at(i);
      if (plan.filter !== null && plan.filter(event.row) !== true) continue;
      const key = plan.keyOf(event.row);
      if (key !== null) keys.add(key);
    }
  }
};

const compare = (a: Scalar, b: Scalar): number => (a < b ? -1 : a > b ? 1 : 0);

const compareBy =
  (names: readonly string[]) =>
  (a: Row, b: Row): number => {
    for (const name of names) {
      const order = compare(a[name] as Scalar, b[name] as Scalar);
      if (order !== 0) return order;
    }
    return 0;
  };

export const gridSpine = async (
  connection: DuckDBConnection,
  grid: GridSpine,
  job: Pick<TrainingSetJob, 'sources' | 'spine' | 'periods'>,
  plan: TrainingSetPlan,
  wanted: Wanted,
): Promise<Spine> => {
  const [input] = plan.request;
  if (input !== undefined)
    fail(
      'MR_SPINE_INVALID',
      `a grid has no request inputs, and an on-demand feature needs "${input.name}": give a spine that has it, or a view or service without such features`,
      { column: input.name },
    );
  const { keys: keysOfPlan, same } = widestOf(
    plan.views.map((view) => ({ view, plan: view.plan })),
  );
  const keys = new Set<string>();
  const within = periodsRead(job, plan);
  for (const { view } of same) await addKeys(connection, view, job, within, keys);
  if (keys.size === 0 && job.periods === undefined)
    fail('MR_REFUSED', 'no entity has an event yet, so a grid of all entities has no rows');
  refuseRowsAbove(wanted.maxRows, keys.size * instantsOf(grid));
  const names = keysOfPlan.map(({ name }) => name);
  const entities = [...keys]
    .map((key) => decodeKey(key, keysOfPlan) as Row)
    .sort(compareBy(names))
    .map((entity) => names.map((name) => entity[name] as Value));
  const columns = keysOfPlan.map(({ name, type }) => ({ name, type }));
  const spine = await builtSpine(connection, columns, wanted, columns.length);
  for (let time = grid.from; time < grid.to; time += grid.every) {
    for (const entity of entities) spine.add(time, entity);
    // A cancellation arrives between two turns of the event loop.
    await setImmediate();
  }
  return spine.finish();
};
