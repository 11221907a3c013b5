/** The kinds of definitions, by the names that a person or a path may use: `entity`, `entities`. */
import type { Kind } from '#domain/definitions/model.ts';
import { KINDS } from '#domain/registry/events.ts';

const BY_NAME: ReadonlyMap<string, Kind> = new Map(
  KINDS.flatMap((kind) => [
    [kind, kind],
    [kind === 'entity' ? 'entities' : `${kind}s`, kind],
  ]),
);

export const findKind = (name: string): Kind | undefined => BY_NAME.get(name);

export const unknownKind = (name: string): string =>
  `"${name}" is not a kind: it is one of ${KINDS.join(', ')}`;

/** Named data sets are listed as a kind, too. */
export const DATASET_KIND = 'dataset';

export const isDatasetKind = (name: string): boolean =>
  name === DATASET_KIND || name === `${DATASET_KIND}s`;
