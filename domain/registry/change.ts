/** The changes of a revision: what a diff collects. */

import type { ChangeCost } from '#domain/api/registry.ts';
import type {
  Definition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import type { Problem } from '#domain/errors.ts';
import { canonical } from '#domain/expressions/canonical.ts';

interface FieldChange {
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly cost: ChangeCost;
}

export interface Change {
  readonly cost: ChangeCost;
  readonly fields: readonly FieldChange[];
  /** sentences: what would break, and what needs a replay */
  readonly notes: readonly string[];
  /** the notes that say what breaks */
  readonly breaks: readonly string[];
  /** the definitions that the change breaks, as kind/name; none of the request's own readers */
  readonly broken: readonly string[];
  /** those of `breaks` that cannot be forced: what is stored could not be read any more */
  readonly final: readonly string[];
}

/** What a revision of a source does to the definitions over it. */
export interface SourceReaders {
  /** what does not fit the source any more, as kind/name, with a sentence for each problem */
  readonly unfit: (
    after: SourceDefinition,
  ) => readonly { readonly reader: string; readonly problem: string }[];
  /**
   * views, as kind/name, of which an expression gives some earlier event another value, with that
   * expression
   */
  readonly recomputed: (
    after: SourceDefinition,
  ) => readonly { readonly view: string; readonly expression: string }[];
}

/** Which registered definitions read what. */
export interface Readers {
  /** active services and on-demand features that read a feature of a view, as kind/name */
  readonly ofFeature: (view: string, feature: string) => readonly string[];
  readonly ofOnDemand: (name: string) => readonly string[];
  /** active views over a source that use one of its fields */
  readonly ofField: (source: string, field: string) => readonly string[];
  readonly ofEntity: (entity: string) => readonly string[];
  readonly ofSource: (before: SourceDefinition) => SourceReaders;
  /** a feature's type as text; null where it is unknown */
  readonly featureType: (view: FeatureViewDefinition, feature: string) => string | null;
}

export const same = (a: unknown, b: unknown): boolean =>
  canonical(a ?? null) === canonical(b ?? null);

export interface Draft {
  readonly fields: FieldChange[];
  readonly notes: string[];
  readonly breaks: string[];
  readonly broken: string[];
  readonly final: string[];
}

/**
 * Adds a change; `text` says what breaks, or what needs a replay.
 * @param readers what a breaking change breaks, as kind/name
 */
export const note = (
  draft: Draft,
  path: string,
  before: unknown,
  after: unknown,
  cost: ChangeCost,
  text?: string,
  readers: readonly string[] = [],
): void => {
  draft.fields.push({ path, before: before ?? null, after: after ?? null, cost });
  if (text !== undefined) draft.notes.push(text);
  if (cost !== 'breaking') return;
  draft.breaks.push(text ?? `${path} changes`);
  for (const reader of readers) if (!draft.broken.includes(reader)) draft.broken.push(reader);
};

/** The refusal of a revision that cannot be forced; null: it has no such change. */
export const finalProblem = (
  { kind, name }: Pick<Definition, 'kind' | 'name'>,
  { final, fields }: Change,
): Problem | null =>
  final.length === 0
    ? null
    : {
        code: 'MR_INCOMPATIBLE_REVISION',
        message: `${kind} "${name}": ${final.join('; ')}. --force does not help: what is stored could not be read any more`,
        details: { fields },
      };
