/** The report of an import, as text. */
import type { Kind } from '#domain/definitions/model.ts';
import type { Imported } from './import.ts';
import type { Note } from './notes.ts';

const PLURAL: Readonly<Record<Kind, readonly [one: string, many: string]>> = {
  entity: ['entity', 'entities'],
  source: ['source', 'sources'],
  'feature-view': ['feature view', 'feature views'],
  'on-demand-feature': ['on-demand feature', 'on-demand features'],
  'feature-service': ['feature service', 'feature services'],
};

const counts = ({ definitions }: Imported): string =>
  [...Map.groupBy(definitions, ({ kind }) => kind)]
    .map(([kind, { length }]) => `${length} ${PLURAL[kind][length === 1 ? 0 : 1]}`)
    .join(', ');

/** Equal notes on several names are combined. */
const paragraphs = (notes: readonly Note[]): string[] =>
  [
    ...Map.groupBy(notes, ({ kind, reason, remedy }) => `${kind}\0${reason}\0${remedy}`).values(),
  ].map((same) => {
    const { kind, reason, remedy } = same[0] as Note;
    return `  ${kind} ${same.map(({ name }) => name).join(', ')}: ${reason}\n    → ${remedy}`;
  });

export const reportText = (imported: Imported): string => {
  const of = (level: Note['level']): readonly Note[] =>
    imported.notes.filter((note) => note.level === level);
  const [lost, changed] = [of('lost'), of('changed')];
  return [
    `Feast project ${imported.project}: ${counts(imported)}`,
    ...(lost.length > 0 ? ['has no counterpart:', ...paragraphs(lost)] : []),
    ...(changed.length > 0 ? ['imported, but different:', ...paragraphs(changed)] : []),
  ].join('\n');
};
