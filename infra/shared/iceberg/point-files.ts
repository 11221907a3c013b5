/** Which row groups of a file can have rows of a point query, by the statistics in its footer. */
import type { ColumnChunk, ParquetColumn, ParquetFooter } from '#infra/shared/parquet/footer.ts';
import { isReadable } from '#infra/shared/parquet/pages.ts';
import { type Alternatives, mayHold, mayHoldNumber, PHYSICAL_TYPES } from './point-query.ts';
import { type IcebergField, typeName } from './schema.ts';

/** By id of an Iceberg field: the index of its column in the file; −1: the file lacks it. */
export type Places = ReadonlyMap<number, number>;

/** Event times in the form of the file, both ends in. */
export interface TimeLimits {
  readonly low: number;
  readonly high: number;
}

const MS_PER_DAY = 86_400_000;

export const timeLimits = (
  type: string,
  from = Number.NEGATIVE_INFINITY,
  to = Number.POSITIVE_INFINITY,
): TimeLimits =>
  type === 'date'
    ? { low: Math.ceil(from / MS_PER_DAY), high: Math.floor(to / MS_PER_DAY) }
    : { low: Math.ceil(from) * 1000, high: Math.floor(to) * 1000 + 999 };

/** By what a footer says of columns: the places of the fields, by their ids. */
const known = new WeakMap<ParquetFooter, Map<string, Places | null>>();

/** null: the file is not of the kind that is read here. */
export const placesOf = (footer: ParquetFooter, fields: readonly IcebergField[]): Places | null => {
  const key = fields.map((field) => `${field.id} ${typeName(field)}`).join();
  const before = known.get(footer) ?? new Map<string, Places | null>();
  known.set(footer, before);
  const found = before.get(key);
  if (found !== undefined) return found;
  const places = findPlaces(footer, fields);
  before.set(key, places);
  return places;
};

const findPlaces = ({ columns }: ParquetFooter, fields: readonly IcebergField[]): Places | null => {
  if (columns.some(({ fieldId, flat }) => flat && fieldId === null)) return null;
  const byId = new Map(columns.map((column, i) => [column.fieldId, [column, i] as const]));
  const places = new Map<number, number>();
  for (const field of fields) {
    const type = typeName(field);
    const physical = PHYSICAL_TYPES[type];
    if (physical === undefined) return null;
    const [column, place] = byId.get(field.id) ?? [null, -1];
    if (column !== null && !(physical.includes(column.type) && column.flat)) return null;
    if (column !== null && type === 'timestamptz' && !column.micros) return null;
    places.set(field.id, place);
  }
  return places;
};

/** Of a file with more rows in row groups that can have the entities, a scan reads less. */
const MAX_ROWS = 20_000;

/** null: the file is left to a scan. */
export const groupsThatMayHold = (
  { columns, groups }: ParquetFooter,
  places: Places,
  alternatives: Alternatives,
  time: IcebergField,
  { low, high }: TimeLimits,
): readonly number[] | null => {
  const wanted = [...places.values()].filter((place) => place >= 0);
  const timePlace = places.get(time.id) as number;
  const typeOf = (place: number) => (columns[place] as ParquetColumn).type;
  const found: number[] = [];
  let rows = 0;
  for (const [g, { chunks, rows: count }] of groups.entries()) {
    const chunkOf = (place: number): ColumnChunk => chunks[place] as ColumnChunk;
    const possible = alternatives.some((conditions) =>
      conditions.every(({ field, wanted: value }) => {
        const place = places.get(field.id) as number;
        return place < 0 ? value === null : mayHold(typeOf(place), chunkOf(place), value);
      }),
    );
    // The keys exclude most row groups, so times are looked at after them.
    if (!possible) continue;
    if (timePlace >= 0 && !mayHoldNumber(typeOf(timePlace), chunkOf(timePlace), low, high))
      continue;
    if (wanted.some((p) => !isReadable(columns[p] as ParquetColumn, chunkOf(p)))) return null;
    rows += count;
    found.push(g);
  }
  return rows > MAX_ROWS ? null : found;
};
