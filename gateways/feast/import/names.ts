/**
 * Feast takes any text as a name; here names become topics, tables and columns. A name that will
 * not do is changed, and said.
 */
import { FIELD_NAME, NAME } from '#domain/definitions/names.ts';

export const LONGEST = 63;

const words = (text: string): string =>
  text
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');

/** As it is where it may be; else in lower case with underscores. */
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

/**
 * A table, a path or an address, by the part that tells it apart: `s3://lake/driver_stats.parquet`
 * is `driver_stats`.
 */
export const nameOfPlace = (text: string): string => {
  if (NAME.test(text)) return text;
  const path = text.replace(/^\w+:\/\//, '').replace(/\/+$/, '');
  if (path.includes('/') || /\.parquet$/i.test(path))
    return nameFrom((path.split('/').at(-1) as string).replace(/\.\w+$/, ''));
  return nameFrom(path.split('.').at(-1) as string);
};

export interface Names {
  /** the name of one thing: the same again for the same `id` */
  of(id: string, wanted: string): string;
}

/** Names of one kind, each used once: the second gets a number. */
export const createNames = (): Names => {
  const byId = new Map<string, string>();
  const taken = new Set<string>();
  return {
    of(id, wanted) {
      const known = byId.get(id);
      if (known !== undefined) return known;
      let name = wanted;
      for (let n = 2; taken.has(name); n++) name = `${wanted.slice(0, LONGEST - 4)}_${n}`;
      taken.add(name);
      byId.set(id, name);
      return name;
    },
  };
};
