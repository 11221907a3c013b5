/**
 * Feature views. A value in Feast is that of the newest row: `last` of the column. A stream view
 * with aggregations has windows. The Python function of a view has no counterpart: the view then
 * reads rows that contain its results.
 */
import { col, last } from '#domain/definitions/index.ts';
import type {
  FeatureDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import type { FieldType } from '#domain/values/value.ts';
import { aggregationOf, needsNumber, outputNames } from './aggregations.ts';
import { described, durationOf, type Import, millisecondsOf, renamed } from './common.ts';
import { type Entities, type ImportedEntity, isDummy } from './entities.ts';
import type { FeastAggregation, FeastField, FeastProject, FeastView } from './model.ts';
import { createNames, nameFrom } from './names.ts';
import { durableOf, fieldOf, type SourceUse, timeOf } from './sources.ts';
import { counterpartOf, typeName } from './types.ts';

type ColumnType = Omit<FieldType, 'nullable'>;

interface PlannedFeature {
  /** Feast's name */
  readonly feast: string;
  readonly name: string;
  readonly description: string;
  /** Feast's column, before the field mapping of the source */
  readonly column: string;
  readonly aggregation: FeastAggregation | null;
}

export interface PlannedView {
  readonly view: FeastView;
  readonly name: string;
  readonly entity: ImportedEntity;
  readonly features: readonly PlannedFeature[];
  readonly use: SourceUse;
}

const kindOf = (view: FeastView): string =>
  'aggregations' in view ? 'stream feature view' : 'feature view';

const NO_TYPE =
  'store such values as JSON text in a string column, or in one column per part that models read';

const typeOf = (
  { name, valueType, tags, vectorIndex }: FeastField,
  view: FeastView,
  { notes }: Import,
): ColumnType | null => {
  const label = `${view.name}:${name}`;
  const found = counterpartOf(valueType);
  if (found === null) {
    notes.lost('feature', label, `Millrace has no type ${typeName(valueType)}`, NO_TYPE);
    return null;
  }
  if (found.note !== undefined)
    notes.changed('feature', label, found.note, 'nothing, if models can read it so');
  if (vectorIndex)
    notes.lost(
      'feature',
      label,
      'its vector index: Millrace has no similarity search',
      'the values are kept',
    );
  const kept = Object.keys(tags).filter((tag) => !tag.startsWith('feast:'));
  if (kept.length > 0)
    notes.lost(
      'feature',
      label,
      `its tags (${kept.join(', ')}): features have no tags in Millrace`,
      "put them on the view, or in the feature's description",
    );
  return found.type;
};

/** One feature per column of the view. */
const plainFeatures = (
  view: FeastView,
  imp: Import,
  take: (feature: FeastField, type: ColumnType) => void,
): void => {
  const keys = new Set(view.entityColumns.map(({ name }) => name));
  for (const field of view.features.filter(({ name }) => !keys.has(name))) {
    const type = typeOf(field, view, imp);
    if (type !== null) take(field, type);
  }
};

/** One feature per aggregation. The registry has no types of the aggregated columns. */
const aggregated = (
  view: FeastView,
  aggregations: readonly FeastAggregation[],
  { notes }: Import,
  take: (
    name: string,
    description: string,
    aggregation: FeastAggregation,
    type: ColumnType,
  ) => void,
): void => {
  const declared = new Map(view.features.map((field) => [field.name, field]));
  // The columns of a stream view include its keys.
  const matched = new Set(view.entityColumns.map(({ name }) => name));
  for (const aggregation of aggregations) {
    const names = outputNames(aggregation);
    const field = declared.get(names.find((name) => declared.has(name)) ?? '');
    const name = field?.name ?? (names[0] as string);
    matched.add(name);
    if (aggregationOf(aggregation, 'x') === null) {
      notes.lost(
        'feature',
        `${view.name}:${name}`,
        `Millrace has no aggregation ${aggregation.function}`,
        'docs/guides lists the aggregations',
      );
      continue;
    }
    const column = declared.get(aggregation.column);
    const known = column === undefined ? null : counterpartOf(column.valueType);
    const whole = aggregation.function === 'sum' && field?.valueType === 'INT64';
    const guess: ColumnType = {
      base: whole ? 'long' : needsNumber(aggregation) ? 'double' : 'string',
      array: false,
    };
    if (column !== undefined) matched.add(column.name);
    if (known === null)
      notes.changed(
        'feature',
        `${view.name}:${name}`,
        `the registry has no type for the column ${aggregation.column}; ${guess.base} is assumed`,
        "correct the source's field before applying",
      );
    take(name, field?.description ?? '', aggregation, known?.type ?? guess);
  }
  for (const { name } of view.features.filter((field) => !matched.has(field.name)))
    notes.lost(
      'feature',
      `${view.name}:${name}`,
      'no aggregation of the view computes it',
      'define it by hand',
    );
};

/** Notes on what else of the view is not imported. */
const sayOf = (view: FeastView, { notes }: Import): void => {
  const say = (reason: string, remedy: string): void =>
    notes.lost(kindOf(view), view.name, reason, remedy);
  const transforms =
    view.featureTransformation !== null ||
    ('userDefinedFunction' in view && view.userDefinedFunction !== null);
  const name =
    'userDefinedFunction' in view
      ? view.userDefinedFunction?.name
      : view.featureTransformation?.userDefinedFunction?.name;
  if (transforms)
    say(
      `its function${name ? ` ${name}` : ''} runs in Python`,
      'publish rows that contain its results, or write it as expressions over the source',
    );
  if ('sourceViews' in view && view.sourceViews.length > 0)
    say(
      `it is computed from the views ${view.sourceViews.map((source) => source.name).join(', ')}`,
      'publish rows that contain its results',
    );
  if (view.disabled)
    say(
      'it is disabled in Feast, but not in Millrace',
      'leave it out of the definitions, or set online: false',
    );
  if (view.version !== '' && view.version !== 'latest')
    notes.changed(
      kindOf(view),
      view.name,
      `is pinned to ${view.version} in Feast; versions start again at 1 in Millrace`,
      'pin services to versions instead',
    );
  if (millisecondsOf(view.ttl) > 0 && durationOf(view.ttl) === undefined)
    notes.changed(
      kindOf(view),
      view.name,
      'its ttl is over a hundred years: imported without a ttl',
      'nothing',
    );
};

const planView = (view: FeastView, entities: Entities, imp: Import): PlannedView | null => {
  const entity = entities.of(view);
  const say = (reason: string, remedy: string): null => {
    imp.notes.lost(kindOf(view), view.name, reason, remedy);
    return null;
  };
  if (entity === null)
    return say(
      `one of its entities (${view.entities.join(', ')}) could not be imported`,
      'see the note on the entity',
    );
  if (durableOf(view) === null)
    return say('it has no source', 'define its source and the view by hand');
  const fields = entity.keys.map(({ joinKey }) => fieldOf(imp, view, joinKey));
  if (new Set(fields).size < fields.length)
    return say('two of its keys use one column', 'add a column for each to the rows');
  const timed = entity.keys.find(
    ({ type }, i) => fields[i] === timeOf(imp, view) && type !== 'timestamp' && type !== 'date',
  );
  if (timed !== undefined)
    return say(
      `its key ${timed.joinKey} is also its event time`,
      'add a column for each to the rows',
    );
  const columns = new Map<string, ColumnType>();
  const features: PlannedFeature[] = [];
  const names = createNames();
  for (const key of Object.keys(entity.definition.keys)) names.of(`key ${key}`, key);
  const add = (
    feast: string,
    description: string,
    column: string,
    aggregation: FeastAggregation | null,
    type: ColumnType,
  ): void => {
    const name = names.of(feast, nameFrom(feast));
    if (name !== feast)
      imp.notes.changed(
        'feature',
        `${view.name}:${feast}`,
        `is named ${name} in Millrace`,
        'use that name',
      );
    if (!columns.has(column)) columns.set(column, type);
    features.push({ feast, name, description, column, aggregation });
  };
  const { aggregations = [] } = view as Partial<{
    readonly aggregations: readonly FeastAggregation[];
  }>;
  if (aggregations.length > 0)
    aggregated(view, aggregations, imp, (name, description, of, type) =>
      add(name, description, of.column, of, type),
    );
  else
    plainFeatures(view, imp, ({ name, description }, type) =>
      add(name, description, name, null, type),
    );
  if (features.length === 0)
    return say('none of its features has a counterpart', 'see the notes on its features');
  sayOf(view, imp);
  if (view.entities.every(isDummy))
    imp.notes.changed(
      kindOf(view),
      view.name,
      'has no entity in Feast; in Millrace its rows and native reads need a key, scope',
      "add a column scope with the value 'all' to its rows, and read scope=all",
    );
  const name = renamed(imp, 'view', kindOf(view), view.name, nameFrom(view.name));
  return { view, name, entity, features, use: { view, entity, columns } };
};

export const planViews = (project: FeastProject, entities: Entities, imp: Import): PlannedView[] =>
  [...project.featureViews, ...project.streamFeatureViews].flatMap(
    (view) => planView(view, entities, imp) ?? [],
  );

const featureOf = (
  imp: Import,
  { view }: PlannedView,
  { column, aggregation, description }: PlannedFeature,
): FeatureDefinition => {
  const field = fieldOf(imp, view, column);
  const feature =
    (aggregation === null ? null : aggregationOf(aggregation, field)) ?? last(col(field));
  return description === '' ? feature : { ...feature, description };
};

export const viewOf = (
  planned: PlannedView,
  source: SourceDefinition,
  imp: Import,
): FeatureViewDefinition => {
  const { view, name, entity, features } = planned;
  const join = entity.keys
    .map(({ joinKey, key }) => [key, fieldOf(imp, view, joinKey)] as const)
    .filter(([key, field]) => key !== field);
  const ttl = durationOf(view.ttl);
  return {
    kind: 'feature-view',
    name,
    entity: entity.definition.name,
    source: source.name,
    ...(join.length > 0 && { join: Object.fromEntries(join) }),
    ...(ttl !== undefined && { ttl }),
    ...(!view.online && { online: false }),
    features: Object.fromEntries(
      features.map((feature) => [feature.name, featureOf(imp, planned, feature)]),
    ),
    ...described(view),
  };
};
