/** The changes of a revision: what a diff collects. */

import type { ChangeCost } from '#domain/api/registry.ts';
import type { FeatureViewDefinition } from '#domain/definitions/model.ts';
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
}

/** Which registered definitions read what. */
export interface Readers {
  /** active services and on-demand features that read a feature of a view, as kind/name */
  readonly ofFeature: (view: string, feature: string) => readonly string[];
  readonly ofOnDemand: (name: string) => readonly string[];
  /** active views over a source that use one of its fields */
  readonly ofField: (source: string, field: string) => readonly string[];
  readonly ofEntity: (entity: string) => readonly string[];
  /** a feature's type as text; null where it is unknown */
  readonly featureType: (view: FeatureViewDefinition, feature: string) => string | null;
}

export const same = (a: unknown, b: unknown): boolean =>
  canonical(a ?? null) === canonical(b ?? null);

export interface Draft {
  readonly fields: FieldChange[];
  readonly notes: string[];
  readonly breaks: string[];
}

/** Adds a change; `text` says what breaks, or what needs a replay. */
export const note = (
  draft: Draft,
  path: string,
  before: unknown,
  after: unknown,
  cost: ChangeCost,
  text?: string,
): void => {
  draft.fields.push({ path, before: before ?? null, after: after ?? null, cost });
  if (text !== undefined) draft.notes.push(text);
  if (cost === 'breaking') draft.breaks.push(text ?? `${path} changes`);
};
