/**
 * What a feature list or a service means: which views to read, which of their features go to which
 * column, which on-demand features to compute and in which order. A plan is built once and kept
 * until the registry or a generation changes.
 */

import type { ReadOrigins } from '#domain/api/serving.ts';
import type {
  FeatureServiceDefinition,
  Kind,
  OnDemandFeatureDefinition,
} from '#domain/definitions/model.ts';
import type { Scope } from '#domain/expressions/typecheck.ts';
import type { FeatureStatus } from '#domain/plan/plan.ts';
import type { ServedView } from '#domain/ports/served-view.ts';
import type { FieldType, Row, Value } from '#domain/values/value.ts';

export interface ReadDefinitions {
  readonly service: (name: string) => FeatureServiceDefinition | null;
  readonly onDemand: (name: string) => OnDemandFeatureDefinition | null;
  /** why there is no such definition, where it is retired; null: it is not */
  readonly retired: (kind: Kind, name: string) => string | null;
  /** the types of an on-demand feature's inputs */
  readonly scope: (definition: OnDemandFeatureDefinition) => Scope;
}

export interface ViewRead {
  readonly served: ServedView;
  /** the version that a service pins */
  readonly pinned?: number;
  /** index in the view's features → column of the answer, for the requested ones */
  readonly columns: readonly { readonly feature: number; readonly column: number }[];
  /**
   * names of the features that the columns and the on-demand features need; a past read
   * computes only these
   */
  readonly needed: ReadonlySet<string>;
}

export interface OnDemandRead {
  readonly name: string;
  /** null: computed only because another on-demand feature needs it */
  readonly column: number | null;
  readonly inputs: readonly { readonly parameter: string; readonly from: InputSource }[];
  readonly evaluate: (inputs: Row) => Value;
}

type InputSource =
  | { readonly from: 'feature'; readonly view: number; readonly feature: number }
  | { readonly from: 'request'; readonly name: string; readonly type: FieldType }
  | { readonly from: 'on-demand'; readonly index: number };

/** Where an answer's columns come from. */
export type ReadColumns = Pick<ReadOrigins, 'keys' | 'viewOf' | 'types'>;

export interface ReadPlan {
  /** column names, in the order of the answer */
  readonly features: readonly string[];
  /** the status of a row in which every value is present; shared by all such rows */
  readonly allPresent: readonly FeatureStatus[];
  readonly columns: ReadColumns;
  /** the columns of 32-bit floats, which are shown with their own digits */
  readonly floats: readonly number[];
  readonly views: readonly ViewRead[];
  /** whether the tiles of some view are in a store */
  readonly stored: boolean;
  readonly onDemand: readonly OnDemandRead[];
  /** the request inputs that are needed */
  readonly request: readonly { readonly name: string; readonly type: FieldType }[];
}

export interface ReadTarget {
  readonly service?: string;
  readonly features?: readonly string[];
}
