/**
 * Feast accepts any text as a name; in Millrace names become topics, tables and columns. An invalid
 * name is changed, with a note.
 */
import { FIELD_NAME, NAME } from '#domain/definitions/names.ts';

export const LONGEST = 63;

const words = (text: string): string =>
  text
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');

/** Unchanged if it is valid; else in lower case with underscores. */
export const nameFrom = (text: string): string => {
  if (NAME.test(text)) return text;
  const name = words(text);
  return (/^[a-z]/.test(name) ? name : `f_${name}`).replace(/_+$/, '').slice(0, LONGEST);
};

export const fieldNameFrom = (text: string): string => {
  if (FIELD_NAME.test(text)) return text;
  const name = text.replace(/[^A-Za-z0-9_]+/g, '_').replace(/^_+/, '');
  return (/^[A-Za-z]/.test(name) ? name : `f_${name}`).replace(/_+$/, '').slice(0, LONGEST);
};

/** A name for a table, a path or a URL: `s3://lake/driver_stats.parquet` is `driver_stats`. */
export const nameOfPlace = (text: string): string => {
  if (NAME.test(text)) return text;
  const path = text.replace(/^\w+:\/\//, '').replace(/\/+$/, '');
  if (path.includes('/') || /\.parquet$/i.test(path))
    return nameFrom((path.split('/').at(-1) as string).replace(/\.\w+$/, ''));
  return nameFrom(path.split('.').at(-1) as string);
};

export interface Names {
  /** the name for `id`: always the same for the same id */
  of(id: string, wanted: string): string;
}

/** Names of one kind. Each is used once, in any case: a second one gets a number. */
export const createNames = (): Names => {
  const byId = new Map<string, string>();
  const taken = new Set<string>();
  return {
    of(id, wanted) {
      const known = byId.get(id);
      if (known !== undefined) return known;
      let name = wanted;
      for (let n = 2; taken.has(name.toLowerCase()); n++)
        name = `${wanted.slice(0, LONGEST - 4)}_${n}`;
      taken.add(name.toLowerCase());
      byId.set(id, name);
      return name;
    },
  };
};
