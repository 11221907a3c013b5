/** What entities, sources, views and services have alike. */
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

/** A tag `k: v` is `k:v`; one without a value is its key. */
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

/** Undefined for none: Feast writes it as nothing or as 0. */
export const durationOf = (duration: FeastDuration | null): DurationText | undefined => {
  const ms = millisecondsOf(duration);
  return ms <= 0 || ms > MAX_DURATION_MS ? undefined : (formatDuration(ms) as DurationText);
};

/** What an import goes along with. */
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

/** A column's name here: the same in every source. */
export const fieldNamed = ({ names }: Import, column: string): string =>
  names.field.of(column, fieldNameFrom(column));

/** A name of Feast's for use here; where it had to change, that is said. */
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
      `is named ${known} here`,
      'ask for it by that name, or change it in the definitions before they are applied',
    );
  return known;
};
