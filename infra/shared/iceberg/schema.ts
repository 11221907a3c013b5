/**
 * Iceberg schemas: derived from Avro record schemas, and their evolution.
 *
 * A column keeps its field id for ever. A new column gets a new id and is optional. A column that
 * the new schema omits, or makes nullable, becomes optional. int widens to long, float to double.
 * Iceberg does not widen whole numbers to doubles, so such a column gets a new field id, and the
 * files are rewritten (rewrite-columns.ts); so does a list whose elements become wider. Any other
 * change of type is refused.
 */
import { MillraceError } from '#domain/errors.ts';
import type { HistoryColumn } from '#domain/ports/history.ts';

export interface IcebergList {
  readonly type: 'list';
  readonly 'element-id': number;
  readonly element: string;
  readonly 'element-required': boolean;
}

export interface IcebergField {
  readonly id: number;
  readonly name: string;
  readonly required: boolean;
  readonly type: string | IcebergList;
  /** `json`: the strings are JSON documents */
  readonly doc?: string;
}

export interface IcebergSchema {
  readonly type: 'struct';
  readonly 'schema-id': number;
  readonly fields: readonly IcebergField[];
}

/** A column before it has an id. */
export interface WantedColumn extends HistoryColumn {
  readonly json?: boolean;
}

const PRIMITIVES: Readonly<Record<string, string>> = {
  string: 'string',
  int: 'int',
  long: 'long',
  float: 'float',
  double: 'double',
  boolean: 'boolean',
  bytes: 'binary',
  enum: 'string',
};

const scalarType = (avro: unknown): string | null => {
  if (typeof avro === 'string') return PRIMITIVES[avro] ?? null;
  const { type, logicalType } = avro as { type?: unknown; logicalType?: string };
  if (logicalType === 'timestamp-millis' || logicalType === 'timestamp-micros')
    return 'timestamptz';
  if (logicalType === 'date') return 'date';
  if (typeof type === 'object' && type !== null) return scalarType(type);
  return typeof type === 'string' ? (PRIMITIVES[type] ?? null) : null;
};

/**
 * Of a union of null and one other type, that type. The type itself if it is not a union; null for
 * larger unions.
 */
export const withoutNull = (
  avro: unknown,
): { readonly type: unknown; readonly nullable: boolean } | null => {
  if (!Array.isArray(avro)) return { type: avro, nullable: false };
  const rest = avro.filter((branch) => branch !== 'null');
  return rest.length === 1 ? { type: rest[0], nullable: rest.length < avro.length } : null;
};

/**
 * A scalar's Iceberg type, `list<scalar>`, or null for a type without a column type: such values
 * are stored as JSON.
 */
export const columnType = (avro: unknown): string | null => {
  const scalar = scalarType(avro);
  if (scalar !== null) return scalar;
  const { type, items } = (typeof avro === 'object' ? avro : {}) as {
    type?: unknown;
    items?: unknown;
  };
  if (type !== 'array') return null;
  const element = withoutNull(items);
  const elementType = element === null ? null : scalarType(element.type);
  return elementType === null ? null : `list<${elementType}>`;
};

export interface AvroRecord {
  readonly type: 'record';
  readonly name: string;
  readonly fields: readonly { readonly name: string; readonly type: unknown }[];
  /** in schemas of raw.<source>: the name of the event time field */
  readonly eventTime?: string;
}

export const icebergSchemaFromAvro = (schema: object): readonly WantedColumn[] => {
  const { type, fields } = schema as AvroRecord;
  if (type !== 'record' || !Array.isArray(fields)) {
    throw new MillraceError(
      'MR_STORAGE_FAILED',
      'The history stores records only, and this Avro schema is of another type.',
      {
        schema,
      },
    );
  }
  return (fields as AvroRecord['fields']).map(({ name, type: avro }) => {
    const inner = withoutNull(avro);
    const nullable = Array.isArray(avro) && avro.includes('null');
    const column = inner === null ? null : columnType(inner.type);
    return column === null
      ? { name, type: 'string', required: !nullable, json: true }
      : { name, type: column, required: !nullable };
  });
};

export const META_COLUMNS: readonly WantedColumn[] = [
  { name: '_partition', type: 'int', required: true },
  { name: '_offset', type: 'long', required: true },
  { name: '_log_time', type: 'timestamptz', required: true },
];
export const isMeta = (name: string): boolean =>
  META_COLUMNS.some((column) => column.name === name);

/** Such as `long`, or `list<string>`. */
export const typeName = ({ type }: IcebergField): string =>
  typeof type === 'string' ? type : `list<${type.element}>`;

const WIDENED: Readonly<Record<string, string>> = {
  'int>long': 'long',
  'long>int': 'long',
  'float>double': 'double',
  'double>float': 'double',
  'int>double': 'double',
  'double>int': 'double',
  'long>double': 'double',
  'double>long': 'double',
};
/** Whether the files must be rewritten: of lists always, because engines differ in what they widen. */
const isReplaced = (had: string, type: string): boolean =>
  elementOf(had) !== null || ((had === 'int' || had === 'long') && type === 'double');

const elementOf = (type: string): string | null =>
  type.startsWith('list<') ? type.slice('list<'.length, -1) : null;

const widenedTo = (had: string, wanted: string): string | undefined => {
  if (had === wanted) return had;
  const [from, to] = [elementOf(had), elementOf(wanted)];
  if (from === null || to === null) return WIDENED[`${had}>${wanted}`];
  const element = WIDENED[`${from}>${to}`];
  return element === undefined ? undefined : `list<${element}>`;
};

const widest = (table: string, column: string, had: string, wanted: string): string => {
  const type = widenedTo(had, wanted);
  if (type === undefined) {
    throw new MillraceError(
      'MR_SCHEMA_INCOMPATIBLE',
      `Column "${column}" of the history table ${table} is ${had} and cannot become ${wanted}; give the field another name.`,
      { table, column, had, wanted },
    );
  }
  return type;
};

const icebergType = (type: string, nextId: () => number): string | IcebergList => {
  const element = elementOf(type);
  return element === null
    ? type
    : { type: 'list', 'element-id': nextId(), element, 'element-required': false };
};

export interface Evolution {
  readonly fields: readonly IcebergField[];
  readonly lastColumnId: number;
  readonly changed: boolean;
  /** names of the columns that got a new field id: they are null in files that exist */
  readonly replaced: readonly string[];
}

export const evolve = (
  table: string,
  current: readonly IcebergField[],
  lastColumnId: number,
  wanted: readonly WantedColumn[],
): Evolution => {
  let last = lastColumnId;
  let changed = false;
  const replaced: string[] = [];
  const fresh = current.length === 0;
  const wantedByName = new Map(wanted.map((column) => [column.name, column]));
  const fields = current.map((field): IcebergField => {
    const column = wantedByName.get(field.name);
    wantedByName.delete(field.name);
    const had = typeName(field);
    const type = column === undefined ? had : widest(table, field.name, had, column.type);
    const required = field.required && (column?.required ?? false);
    if (type === had && required === field.required) return field;
    changed = true;
    if (type === had) return { ...field, required };
    if (!isReplaced(had, type)) return { ...field, required, type };
    replaced.push(field.name);
    return { ...field, id: ++last, required, type: icebergType(type, () => ++last) };
  });
  for (const { name, type, required, json } of wantedByName.values()) {
    changed = true;
    const id = ++last;
    fields.push({
      id,
      name,
      required: fresh && required,
      type: icebergType(type, () => ++last),
      ...(json ? { doc: 'json' } : {}),
    });
  }
  return { fields, lastColumnId: last, changed, replaced };
};
