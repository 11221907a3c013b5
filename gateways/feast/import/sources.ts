/**
 * Sources. In Feast each view has its columns and its source; in Millrace the source has the
 * fields, so they are collected from all views that read it. A view with a push or stream source is
 * read from that source: its batch source has the same rows, and provides the history.
 */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { formatFieldType } from '#domain/values/field-type.ts';
import type { FieldType } from '#domain/values/value.ts';
import { described, fieldNamed, type Import } from './common.ts';
import type { ImportedEntity } from './entities.ts';
import type { FeastSource, FeastView } from './model.ts';
import { nameFrom, nameOfPlace } from './names.ts';

type ColumnType = Omit<FieldType, 'nullable'>;

/** The columns that one view needs of its source. */
export interface SourceUse {
  readonly view: FeastView;
  readonly entity: ImportedEntity;
  /** Feast's columns that features read → types */
  readonly columns: ReadonlyMap<string, ColumnType>;
}

interface ImportedSource {
  readonly definition: SourceDefinition;
  /** location of the rows of the history */
  readonly history: string | null;
}

export interface Sources {
  readonly all: readonly ImportedSource[];
  of(view: FeastView): SourceDefinition;
}

export const durableOf = ({ streamSource, batchSource }: FeastView): FeastSource | null =>
  streamSource ?? batchSource;

/** The field of the source for a name that Feast uses after the field mapping. */
export const fieldOf = (
  imp: Import,
  { streamSource, batchSource }: FeastView,
  name: string,
): string => {
  const mapping = { ...batchSource?.fieldMapping, ...streamSource?.fieldMapping };
  const column = Object.entries(mapping).find(([, to]) => to === name)?.[0] ?? name;
  return fieldNamed(imp, column);
};

const placeOf = (source: FeastSource | null): string | null => {
  if (source === null) return null;
  const table =
    source.bigqueryOptions ??
    source.redshiftOptions ??
    source.snowflakeOptions ??
    source.sparkOptions ??
    source.trinoOptions ??
    source.athenaOptions;
  const place = source.fileOptions?.uri ?? source.kafkaOptions?.topic ?? table?.table;
  return place === undefined || place === ''
    ? source.batchSource === null
      ? null
      : placeOf(source.batchSource)
    : place;
};

const DEFAULT_TIME = 'event_timestamp';
export const timeOf = (imp: Import, view: FeastView): string => {
  const own = 'timestampField' in view ? view.timestampField : '';
  return fieldOf(
    imp,
    view,
    own || view.streamSource?.timestampField || view.batchSource?.timestampField || DEFAULT_TIME,
  );
};

const wider = (a: ColumnType, b: ColumnType): ColumnType | null => {
  if (a.base === b.base && a.array === b.array) return a;
  if (a.array || b.array) return null;
  const bases = [a.base, b.base].sort().join();
  return bases === 'int,long'
    ? { base: 'long', array: false }
    : bases === 'double,float'
      ? { base: 'double', array: false }
      : null;
};

interface Building {
  readonly time: string;
  readonly uses: SourceUse[];
  readonly keys: Map<string, ColumnType>;
  readonly columns: Map<string, ColumnType>;
}

const startOf = (imp: Import, use: SourceUse): Building => ({
  time: timeOf(imp, use.view),
  uses: [],
  keys: new Map(),
  columns: new Map(),
});

/** False: the view's columns do not fit those of other views, and nothing is added. */
const take = (into: Building, use: SourceUse, imp: Import): boolean => {
  const { view, entity } = use;
  if (timeOf(imp, view) !== into.time) return false;
  const keys = entity.keys.map(
    ({ joinKey, type }) => [fieldOf(imp, view, joinKey), { base: type, array: false }] as const,
  );
  const columns = [...use.columns].map(([name, type]) => [fieldOf(imp, view, name), type] as const);
  const keyFields = new Set([...into.keys.keys(), ...keys.map(([field]) => field)]);
  const merged = new Map<string, ColumnType>();
  for (const [field, type] of [...keys, ...columns]) {
    // The first use of a column in a view decides its type, and that is a key.
    if (merged.has(field)) continue;
    const known = into.keys.get(field) ?? into.columns.get(field);
    const both = known === undefined ? type : wider(known, type);
    if (both === null) return false;
    // A key has the type of its entity, so a column of another type cannot share its field.
    if (keyFields.has(field) && known !== undefined && known.base !== type.base) return false;
    merged.set(field, both);
  }
  for (const [field, type] of merged) {
    const before = into.columns.get(field);
    if (before !== undefined && before.base !== type.base)
      imp.notes.changed(
        'data source',
        `${view.name}:${field}`,
        `is imported as ${type.base}, which can hold the types of all views`,
        'nothing',
      );
    (keyFields.has(field) ? into.keys : into.columns).set(field, type);
    if (keyFields.has(field)) into.columns.delete(field);
  }
  into.uses.push(use);
  return true;
};

const definitionOf = (
  imp: Import,
  name: string,
  { time, uses, keys, columns }: Building,
): SourceDefinition => {
  const first = uses[0] as SourceUse;
  const source = durableOf(first.view) as FeastSource;
  const batch = first.view.batchSource;
  const inAll = (field: string): boolean =>
    uses.every(({ view, entity }) =>
      entity.keys.some(({ joinKey }) => fieldOf(imp, view, joinKey) === field),
    );
  const created = source.createdTimestampColumn || batch?.createdTimestampColumn;
  const timeType =
    (source.timestampFieldType || batch?.timestampFieldType || '').toUpperCase() === 'DATE'
      ? 'date'
      : 'timestamp';
  const fields = new Map<string, string>();
  // The first use of a field decides its type: a key that is also the event time keeps its type.
  const add = (field: string, type: string): void =>
    void (fields.has(field) || fields.set(field, type));
  for (const [field, type] of keys)
    add(field, formatFieldType({ ...type, nullable: !inAll(field) && field !== time }));
  add(time, timeType);
  for (const [field, type] of columns) add(field, formatFieldType({ ...type, nullable: true }));
  if (created) add(fieldOf(imp, first.view, created), 'timestamp?');
  return {
    kind: 'source',
    name,
    fields: Object.fromEntries(fields),
    eventTime: time,
    ...described(source),
  };
};

export const importSources = (uses: readonly SourceUse[], imp: Import): Sources => {
  const built = new Map<string, Building>();
  const idOfView = new Map<string, string>();
  for (const use of uses) {
    const source = durableOf(use.view) as FeastSource;
    let id = source.name;
    const known = built.get(id) ?? startOf(imp, use);
    if (take(known, use, imp)) built.set(id, known);
    else {
      id = `${source.name}\0${use.view.name}`;
      const apart = startOf(imp, use);
      take(apart, use, imp);
      built.set(id, apart);
      imp.notes.changed(
        'data source',
        source.name,
        `becomes a separate source for the view ${use.view.name}, whose columns have other types than in other views`,
        'publish the rows to both',
      );
    }
    idOfView.set(use.view.name, id);
  }
  const definitions = new Map<string, ImportedSource>();
  for (const [id, building] of built) {
    const { view } = building.uses[0] as SourceUse;
    const source = durableOf(view) as FeastSource;
    const place = nameOfPlace(source.name || (placeOf(source) ?? ''));
    const name = imp.names.source.of(
      id,
      id.includes('\0') ? nameFrom(`${place}_${view.name}`) : place,
    );
    if (name !== source.name && !id.includes('\0'))
      imp.notes.changed(
        'data source',
        source.name,
        `is named ${name} in Millrace`,
        'push to it with that name',
      );
    definitions.set(id, {
      definition: definitionOf(imp, name, building),
      history: placeOf(view.batchSource),
    });
  }
  return {
    all: [...definitions.values()],
    of: (view) => (definitions.get(idOfView.get(view.name) as string) as ImportedSource).definition,
  };
};
