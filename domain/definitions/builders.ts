/**
 * The builders of definitions. They return the definition as plain data, with references replaced
 * by names, and with helper methods that JSON omits.
 */

import { fail } from '#domain/errors.ts';
import { type Expression, input, type Operand, toExpr } from '#domain/expressions/build.ts';
import type { DurationText } from '#domain/values/duration.ts';
import type { FieldTypeText } from '#domain/values/field-type.ts';
import type { ScalarType } from '#domain/values/value.ts';
import type {
  ChangeFormat,
  EntityDefinition,
  FeatureDefinition,
  FeatureServiceDefinition,
  FeatureViewDefinition,
  OnDemandFeatureDefinition,
  OnDemandInput,
  ServiceMember,
  SourceDefinition,
} from './model.ts';

interface Described {
  /** the namespace, to which roles of callers apply; default `default` */
  readonly namespace?: string;
  readonly owner?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
}

type FeatureInput = OnDemandInput & { readonly from: 'feature' };
type ViewMember = ServiceMember & { readonly from: 'view' };

/**
 * A feature view with references for other definitions; they accept only names of its features.
 */
export type FeatureView<Names extends string = string> = FeatureViewDefinition & {
  readonly feature: (name: Names) => FeatureInput;
  readonly pick: (...names: readonly Names[]) => ViewMember;
};

/** The given properties, without those that are undefined. */
function present<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}

const nameOf = (reference: string | { readonly name: string }): string =>
  typeof reference === 'string' ? reference : reference.name;

/** What features describe: `keys` in order, each with its type. */
export const entity = <const Keys extends Readonly<Record<string, ScalarType>>>(
  options: Described & { readonly name: string; readonly keys: Keys },
): EntityDefinition & { readonly keys: Keys } => ({ kind: 'entity', ...present(options) });

/** A stream of events: typed fields, one of which is the event time. */
export const source = <const Fields extends Readonly<Record<string, FieldTypeText>>>(
  options: Described & {
    readonly name: string;
    readonly fields: Fields;
    readonly eventTime: NoInfer<keyof Fields & string>;
    readonly eventId?: NoInfer<keyof Fields & string>;
    readonly knownTime?: NoInfer<keyof Fields & string>;
    readonly dedupeWindow?: DurationText;
    /** older events are deleted from the history; absent: it keeps all */
    readonly keepHistory?: DurationText;
    readonly partitions?: number;
    readonly partitionBy?: readonly NoInfer<keyof Fields & string>[];
    /** its events are rows of a table: each is the state of its key from its event time on */
    readonly dimension?: {
      readonly key: readonly NoInfer<keyof Fields & string>[];
      /** a boolean field: true in a tombstone, which says that the row is gone */
      readonly deleted?: NoInfer<keyof Fields & string>;
    };
    /** events are change records of this format; they need `dimension` */
    readonly changes?: ChangeFormat;
  },
): SourceDefinition & { readonly fields: Fields } => ({ kind: 'source', ...present(options) });

export interface FeatureViewOptions<Names extends string> extends Described {
  readonly name: string;
  readonly entity: string | EntityDefinition;
  readonly source: string | SourceDefinition;
  /** entity key → source field, where the names differ */
  readonly join?: Readonly<Record<string, string>>;
  readonly where?: Expression;
  readonly lateness?: DurationText;
  readonly ttl?: DurationText;
  readonly freshness?: DurationText;
  readonly ephemeral?: { readonly ttl: DurationText; readonly flush: DurationText };
  readonly online?: boolean;
  readonly offline?: boolean;
  readonly features: Readonly<Record<Names, FeatureDefinition>>;
}

/** Features of one entity, aggregated from one source. */
export function featureView<Names extends string>(
  options: FeatureViewOptions<Names>,
): FeatureView<Names> {
  const { where, ...rest } = options;
  const view = present({
    kind: 'feature-view' as const,
    ...rest,
    entity: nameOf(options.entity),
    source: nameOf(options.source),
    where: where && toExpr(where),
  }) as FeatureViewDefinition;
  const known = (name: Names): string =>
    Object.hasOwn(view.features, name)
      ? name
      : fail(
          'MR_UNKNOWN_REFERENCE',
          `${view.name} has no feature ${JSON.stringify(name)}: it has ${Object.keys(view.features).join(', ')}.`,
        );
  return Object.defineProperties(view, {
    feature: {
      value: (name: Names): FeatureInput => ({
        from: 'feature',
        view: view.name,
        feature: known(name),
      }),
    },
    pick: {
      value: (...names: readonly Names[]): ViewMember => ({
        from: 'view',
        view: view.name,
        features: names.map(known),
      }),
    },
  }) as FeatureView<Names>;
}

/** An input that the caller sends with the request. */
export const request = (
  name: string,
  type: FieldTypeText,
): OnDemandInput & { readonly from: 'request' } => ({
  from: 'request',
  name,
  type,
});

type InputReference = OnDemandInput | OnDemandFeatureDefinition;

const toInput = (reference: InputReference): OnDemandInput =>
  'kind' in reference ? { from: 'on-demand', name: reference.name } : reference;

/**
 * A feature that is computed when it is read, from other features and request inputs. `value` is
 * called once, with a symbol for each input, and returns the expression.
 */
export function onDemandFeature<const Inputs extends Readonly<Record<string, InputReference>>>(
  options: Described & {
    readonly name: string;
    readonly type: ScalarType;
    readonly inputs: Inputs;
    readonly value: (inputs: { readonly [Name in keyof Inputs]: Expression }) => Operand;
  },
): OnDemandFeatureDefinition {
  const names = Object.keys(options.inputs);
  const symbols = Object.fromEntries(names.map((name) => [name, input(name)])) as {
    [Name in keyof Inputs]: Expression;
  };
  return present({
    kind: 'on-demand-feature' as const,
    ...options,
    inputs: Object.fromEntries(
      Object.entries(options.inputs).map(([name, reference]) => [name, toInput(reference)]),
    ),
    value: toExpr(options.value(symbols)),
  });
}

type MemberReference = ServiceMember | FeatureViewDefinition | OnDemandFeatureDefinition;

function toMember(reference: MemberReference): ServiceMember {
  if (!('kind' in reference)) return reference;
  if (reference.kind === 'on-demand-feature') return { from: 'on-demand', name: reference.name };
  return { from: 'view', view: reference.name, features: Object.keys(reference.features) };
}

/** The features that one model reads, in order. A whole view means all its features. */
export const featureService = (
  options: Described & {
    readonly name: string;
    readonly features: readonly MemberReference[];
    readonly logging?: { readonly sample: number };
  },
): FeatureServiceDefinition => ({
  kind: 'feature-service',
  ...present(options),
  features: options.features.map(toMember),
});
