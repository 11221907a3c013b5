/** What the imports of entities, sources, views and services share. */
import type { DurationText } from '#domain/values/duration.ts';
import { formatDuration, MAX_DURATION_MS } from '#domain/values/duration.ts';
import type { FeastDuration } from './model.ts';
import { createNames, fieldNameFrom, type Names } from './names.ts';
import type { Notes } from './notes.ts';

interface FeastDescribed {
  readonly description: string;
  readonly owner: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface Described {
  readonly owner?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
}

const MOST_TAGS = 100;

/** A tag with a key and a value becomes `k:v`; one without a value becomes its key. */
export const described = ({ description, owner, tags }: FeastDescribed): Described => {
  const texts = Object.entries(tags).map(([key, value]) =>
    (value === '' ? key : `${key}:${value}`).slice(0, 200),
  );
  return {
    ...(owner !== '' && { owner }),
    ...(description !== '' && { description }),
    ...(texts.length > 0 && { tags: texts.sort().slice(0, MOST_TAGS) }),
  };
};

export const millisecondsOf = (duration: FeastDuration | null): number =>
  duration === null ? 0 : duration.seconds * 1000 + Math.floor(duration.nanos / 1_000_000);

/** Undefined: no duration, which Feast stores as nothing or as 0. */
export const durationOf = (duration: FeastDuration | null): DurationText | undefined => {
  const ms = millisecondsOf(duration);
  return ms <= 0 || ms > MAX_DURATION_MS ? undefined : (formatDuration(ms) as DurationText);
};

/** The state of an import. */
export interface Import {
  readonly notes: Notes;
  readonly names: Readonly<
    Record<'entity' | 'source' | 'field' | 'view' | 'onDemand' | 'service', Names>
  >;
}

export const createImport = (notes: Notes): Import => ({
  notes,
  names: {
    entity: createNames(),
    source: createNames(),
    field: createNames(),
    view: createNames(),
    onDemand: createNames(),
    service: createNames(),
  },
});

/** The name of a column in Millrace: the same in every source. */
export const fieldNamed = ({ names }: Import, column: string): string =>
  names.field.of(column, fieldNameFrom(column));

/** The name for one of Feast's names, with a note if it had to change. */
export const renamed = (
  { notes, names }: Import,
  kind: keyof Import['names'],
  label: string,
  name: string,
  wanted: string,
): string => {
  const known = names[kind].of(name, wanted);
  if (
    known !== name &&
    !notes.all.some(
      (note) => note.kind === label && note.name === name && note.reason.startsWith('is named'),
    )
  )
    notes.changed(
      label,
      name,
      `is named ${known} in Millrace`,
      'use that name, or change it in the definitions before you apply them',
    );
  return known;
};
