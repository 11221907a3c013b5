/** How two data sets differ, by their manifests. */
import { canonical } from '#domain/expressions/canonical.ts';
import type {
  ColumnRecord,
  DatasetContent,
  DatasetManifest,
  DatasetRecipe,
  SpineRecord,
} from './manifest.ts';

/** A value of both manifests that is not the same; null: one of them has none. */
export interface Difference {
  /** such as `known`, `views.airport_delays.version`, `columns.late_share_7d.nulls` */
  readonly path: string;
  readonly first: unknown;
  readonly second: unknown;
}

export interface DatasetDiff {
  /** NAME@VERSION */
  readonly first: string;
  readonly second: string;
  /** whether both files have the same bytes; null: one was never built */
  readonly sameBytes: boolean | null;
  readonly differences: readonly Difference[];
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** By name, so that a view or a column that was added is not taken for a change of the others. */
const byName = <T>(items: readonly T[], name: (item: T) => string): Record<string, unknown> =>
  Object.fromEntries(items.map((item) => [name(item), item]));

const between = (path: string, first: unknown, second: unknown): readonly Difference[] => {
  if (canonical(first) === canonical(second)) return [];
  if (!isRecord(first) || !isRecord(second))
    return [{ path, first: first ?? null, second: second ?? null }];
  const keys = [...new Set([...Object.keys(first), ...Object.keys(second)])];
  return keys.flatMap((key) =>
    between(path === '' ? key : `${path}.${key}`, first[key], second[key]),
  );
};

/** Where its rows are kept is no property of a spine. */
const shapeOfSpine = (spine: SpineRecord): unknown => {
  if (spine.kind !== 'sql') return spine;
  const { stored: _, tables, ...rest } = spine;
  return { ...rest, tables: byName(tables, ({ name }) => name) };
};

const shapeOfRecipe = (recipe: DatasetRecipe): unknown => {
  // The command repeats the rest.
  const { command: _, views, spine, ...rest } = recipe;
  return { ...rest, spine: shapeOfSpine(spine), views: byName(views, ({ view }) => view) };
};

const shapeOfContent = (content: DatasetContent | null): unknown =>
  content === null
    ? {}
    : {
        ...content,
        columns: byName<ColumnRecord>(content.columns, ({ name }) => name),
        order: content.columns.map(({ name }) => name),
      };

export const contentDifferences = (
  first: DatasetContent,
  second: DatasetContent,
): readonly Difference[] => between('', shapeOfContent(first), shapeOfContent(second));

const titleOf = ({ name, version }: DatasetManifest): string => `${name}@${version}`;

export const diffDatasets = (first: DatasetManifest, second: DatasetManifest): DatasetDiff => ({
  first: titleOf(first),
  second: titleOf(second),
  sameBytes:
    first.content === null || second.content === null
      ? null
      : first.content.sha256 === second.content.sha256,
  differences: [
    ...between('', shapeOfRecipe(first.recipe), shapeOfRecipe(second.recipe)),
    ...between('', shapeOfContent(first.content), shapeOfContent(second.content)),
  ],
});
