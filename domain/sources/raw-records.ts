/**
 * Rows of a source's history as records of raw.<source> again. The history does not keep by which
 * version of the source a row was written, so the newest version is taken that can represent it:
 * it has every value that is not null, in a type that is wide enough, and allows every null. The
 * version that wrote the row is one of these, so there is one.
 */
import { fail } from '#domain/errors.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import type { FieldType, Row, Value } from '#domain/values/value.ts';
import { rawEncoder } from './raw-codec.ts';
import { fieldsOfAvro } from './source-schema.ts';

export interface EncodedRow {
  readonly schemaId: number;
  readonly value: Uint8Array;
}

interface Version {
  readonly schemaId: number;
  readonly fields: Readonly<Record<string, FieldType>>;
  readonly encode: (row: Row) => Uint8Array;
  readonly required: readonly string[];
  /** fields whose values may need a wider type */
  readonly narrow: readonly (readonly [string, (value: number) => boolean])[];
}

const MAX_INT = 2 ** 31;

const NARROW: Readonly<Partial<Record<FieldType['base'], (value: number) => boolean>>> = {
  int: (value) => Number.isInteger(value) && value >= -MAX_INT && value < MAX_INT,
  long: Number.isSafeInteger,
  float: (value) => Object.is(Math.fround(value), value),
};

const versionOf = (schemaId: number, schema: object): Version => {
  const fields = fieldsOfAvro(schema);
  return {
    schemaId,
    fields,
    encode: rawEncoder(schema),
    required: Object.keys(fields).filter((name) => fields[name]?.nullable === false),
    narrow: Object.entries(fields).flatMap(([name, { base }]) => {
      const fits = NARROW[base];
      return fits === undefined ? [] : [[name, fits] as const];
    }),
  };
};

const represents = ({ fields, required, narrow }: Version, row: Row): boolean => {
  for (const name of required) if ((row[name] ?? null) === null) return false;
  for (const name in row) if (row[name] !== null && !(name in fields)) return false;
  for (const [name, fits] of narrow) {
    const value: Value = row[name] ?? null;
    if (typeof value === 'number' ? !fits(value) : Array.isArray(value) && !value.every(fits))
      return false;
  }
  return true;
};

/** Encodes rows of a source's history; made anew, it knows the versions of that moment. */
export const rowEncoder = async (
  schemas: Pick<SchemaRegistry, 'versions' | 'schema'>,
  source: string,
): Promise<(row: Row) => EncodedRow> => {
  const newestFirst = [...(await schemas.versions(`${rawTopic(source)}-value`))].reverse();
  const versions = await Promise.all(
    newestFirst.map(async ({ id }) => versionOf(id, await schemas.schema(id))),
  );
  return (row) => {
    const version = versions.find((one) => represents(one, row));
    if (version === undefined)
      return fail(
        'MR_DATA_DAMAGED',
        `the history of ${rawTopic(source)} has a row that no version of the source can have written: run \`millrace verify\``,
        { source },
      );
    return { schemaId: version.schemaId, value: version.encode(row) };
  };
};
