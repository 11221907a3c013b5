/** Which column of a file is which field of the source: by the same name, or as `--map` says. */
import { fail } from '#domain/errors.ts';
import { readFieldType } from '#domain/values/field-type.ts';
import type { FieldType } from '#domain/values/value.ts';

export interface Matching {
  readonly file: string;
  /** the source's fields and their types */
  readonly fields: Readonly<Record<string, string>>;
  /** source field → column */
  readonly map: ReadonlyMap<string, string>;
  readonly ignoreExtra: boolean;
}

export interface MatchedField {
  readonly field: string;
  readonly type: FieldType;
  /** its position in the file */
  readonly column: number;
}

const show = (name: string): string => (/^[\w.-]+$/.test(name) ? name : JSON.stringify(name));

/** @throws MR_FILE_INVALID where a field has no column, or a column no field */
export const matchColumns = (
  { file, fields, map, ignoreExtra }: Matching,
  columns: readonly string[],
): readonly MatchedField[] => {
  const names = columns.map(show).join(', ');
  const twice = columns.find((name, i) => columns.indexOf(name) !== i);
  if (twice !== undefined)
    fail(
      'MR_FILE_INVALID',
      `${file} has two columns ${JSON.stringify(twice)}: give each a name of its own`,
      { column: twice },
    );
  for (const [field, column] of map) {
    if (!Object.hasOwn(fields, field))
      fail(
        'MR_FILE_INVALID',
        `--map ${field}=${column}: the source has no field "${field}"; it has ${Object.keys(fields).join(', ')}`,
        { field },
      );
    if (!columns.includes(column))
      fail(
        'MR_FILE_INVALID',
        `--map ${field}=${column}: ${file} has no column "${column}"; it has ${names}`,
        { column },
      );
  }
  const matched: MatchedField[] = [];
  for (const [field, text] of Object.entries(fields)) {
    const column = columns.indexOf(map.get(field) ?? field);
    const type = readFieldType(text);
    if (type === undefined) continue;
    if (column >= 0) matched.push({ field, type, column });
    else if (!type.nullable)
      fail(
        'MR_FILE_INVALID',
        `${file} has no column for the field "${field}"; it has ${names}: choose one with --map ${field}=COLUMN`,
        { field },
      );
  }
  const used = new Set(matched.map(({ column }) => column));
  const extra = columns.filter((_, i) => !used.has(i));
  if (extra.length > 0 && !ignoreExtra)
    fail(
      'MR_FILE_INVALID',
      `${file} has columns that are not fields of the source: ${extra.map(show).join(', ')}; ignore them with --ignore-extra, or match them with --map`,
      { columns: extra },
    );
  return matched;
};
