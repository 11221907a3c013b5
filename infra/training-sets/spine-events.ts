/**
 * A spine of the events of a source, with fields of each as labels: by event time, partition and
 * offset. An event must not count in its own features, nor one of the same millisecond, whose order
 * no model could know: so the features are those of the millisecond before.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { EventsSpine } from '#domain/datasets/spine.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import type { RawFiles } from '#domain/ports/training-set-builder.ts';
import { refuseTrimmed } from '#domain/sources/horizon.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import { eventRow } from '#domain/training-sets/event-row.ts';
import { refuseRowsAbove } from '#domain/training-sets/row-memory.ts';
import { TIME_COLUMN } from '#domain/training-sets/spine-of-values.ts';
import type { NamedType, TrainingSetPlan } from '#domain/training-sets/training-set-plan.ts';
import { formatFieldType } from '#domain/values/field-type.ts';
import type { FieldType, Value } from '#domain/values/value.ts';
import { scanInOrder } from './event-files.ts';
import type { Spine } from './spine.ts';
import { builtSpine } from './spine-built.ts';
import type { Wanted } from './spine-reader.ts';

interface FieldColumn extends NamedType {
  readonly field: string;
}

/** The field of a key: the one of its name, or the one that all views over the source join. */
const fieldOfKey = (key: string, source: SourceDefinition, plan: TrainingSetPlan): string => {
  if (Object.hasOwn(sourceFields(source), key)) return key;
  const joined = new Set(
    plan.views
      .filter(({ definitions }) => definitions.source.name === source.name)
      .flatMap(({ plan: { keys } }) => keys)
      .flatMap(({ name, field }) => (name === key ? [field] : [])),
  );
  const [field, other] = [...joined];
  return field !== undefined && other === undefined ? field : key;
};

const refuse = (column: string, why: string): never => fail('MR_SPINE_INVALID', why, { column });

const columnsOf = (
  source: SourceDefinition,
  label: readonly string[],
  plan: TrainingSetPlan,
): readonly FieldColumn[] => {
  const fields = sourceFields(source);
  const column = (name: string, field: string, what: string, wanted?: FieldType): FieldColumn => {
    const type = Object.hasOwn(fields, field) ? (fields[field] as FieldType) : undefined;
    if (type === undefined)
      return refuse(
        name,
        `source "${source.name}" has no field "${field}", ${what}: it has ${Object.keys(fields).join(', ')}`,
      );
    if (wanted !== undefined && (wanted.base !== type.base || wanted.array !== type.array))
      return refuse(
        name,
        `the field "${field}" of source "${source.name}" is ${formatFieldType(type)}, and ${what} must be ${formatFieldType(wanted)}`,
      );
    return { name, field, type };
  };
  const read = [
    ...plan.keys.map(({ name, type }) =>
      column(name, fieldOfKey(name, source, plan), 'an entity key', type),
    ),
    ...plan.request.map(({ name, type }) => column(name, name, 'a request input', type)),
  ].filter(({ name }, i, all) => all.findIndex((other) => other.name === name) === i);
  const labels = label
    .filter((name) => !read.some((other) => other.name === name))
    .map((name) => column(name, name, 'a label'));
  const columns = [...read, ...labels];
  const taken = columns.find(({ name }) => name === TIME_COLUMN);
  if (taken !== undefined)
    refuse(TIME_COLUMN, `the label "${TIME_COLUMN}" has the name of the column of the rows' times`);
  return columns;
};

export const eventsSpine = async (
  connection: DuckDBConnection,
  { label, from, to }: EventsSpine,
  { source, raw }: { readonly source: SourceDefinition; readonly raw: RawFiles },
  plan: TrainingSetPlan,
  wanted: Wanted,
): Promise<Spine> => {
  const columns = columnsOf(source, label, plan);
  if (from !== undefined && raw.horizon !== undefined && from < raw.horizon)
    refuseTrimmed(source.name, raw.horizon, 'The requested events begin before that');
  const types = sourceFields(source);
  const fields = Object.fromEntries(columns.map(({ field }) => [field, types[field] as FieldType]));
  const spine = await builtSpine(connection, columns, wanted, plan.keys.length);
  const event = eventRow(fields);
  const values = new Array<Value>(columns.length).fill(null);
  let rows = 0;
  for await (const batch of scanInOrder(connection, { source, raw, fields, mode: 'event-time' })) {
    event.use(batch);
    for (let i = 0; i < batch.count; i++) {
      const time = batch.eventTime[i] as number;
      if ((from !== undefined && time < from) || (to !== undefined && time >= to)) continue;
      event.at(i);
      columns.forEach(({ field }, c) => {
        values[c] = event.row[field] as Value;
      });
      spine.add(time, values);
      rows++;
    }
    refuseRowsAbove(wanted.maxRows, rows);
  }
  if (rows === 0)
    fail('MR_REFUSED', `source "${source.name}" has no such events, so the data set has no rows`);
  const built = spine.finish();
  return { ...built, readTimes: built.times.map((time) => time - 1) };
};
