/** The types of events and rows, derived from the definitions. */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { DegradedMode } from '#domain/ports/degraded.ts';
import type { Value } from '#domain/values/value.ts';

type ScalarOf<T extends string> = T extends 'string' | 'bytes'
  ? string
  : T extends 'boolean'
    ? boolean
    : T extends 'timestamp' | 'date'
      ? number | string
      : number;

/** The value of a field, from its type as text: `long`, `double?`, `array<string>`. */
export type FieldValue<T extends string> = T extends `${infer Base}?`
  ? FieldValue<Base> | null
  : T extends `array<${infer Item}>`
    ? readonly FieldValue<Item>[]
    : ScalarOf<T>;

/** Only the literal names, without an index signature. */
type Literal<Fields> = { [N in keyof Fields as string extends N ? never : N]: Fields[N] };

type NullableNames<Fields> = {
  [N in keyof Fields]: Fields[N] extends `${string}?` ? N : never;
}[keyof Fields];

/**
 * An event of a source. Nullable fields may be absent. Times are epoch ms, or ISO 8601 with a zone.
 */
export type EventOf<S extends SourceDefinition> = keyof Literal<S['fields']> extends never
  ? Readonly<Record<string, unknown>>
  : EventOfFields<Literal<S['fields']>>;

type EventOfFields<Fields> = {
  readonly [N in Exclude<keyof Fields, NullableNames<Fields>>]: FieldValue<Fields[N] & string>;
} & { readonly [N in NullableNames<Fields>]?: FieldValue<Fields[N] & string> };

/**
 * A row of a read: values by feature name. A value is null where its status says so; the catalog's
 * type of the feature ends with `?` if it can be.
 */
export type RowOf<Names extends string> = { readonly [N in Names]: Value };

export interface Freshness {
  readonly view: string;
  readonly version: number;
  readonly generation: number;
  /** newest event time in the values, epoch ms; null: none yet */
  readonly eventTime: number | null;
  readonly position: string;
  /**
   * epoch ms: the values include every event that the log accepted up to then, and may include
   * later ones; null: not known yet
   */
  readonly completeThrough: number | null;
}

export type Status = 'present' | 'null' | 'not-found' | 'expired' | 'overflow';

export interface ReadOptions {
  /** event time of the values, epoch ms; absent: now */
  readonly at?: number;
  /** only events that the log accepted up to then, epoch ms; absent: all */
  readonly known?: number;
  /** a position from a publish: the values include what it published */
  readonly after?: string;
  /** inputs of on-demand features: one per row, or one for all */
  readonly request?: readonly Readonly<Record<string, Value>>[];
  /** of this call including its retries, ms; absent: that of the client */
  readonly deadlineMs?: number;
}

export interface Rows<Names extends string = string> {
  /** in the order of the entities */
  readonly rows: readonly RowOf<Names>[];
  /** [row][feature], in the order of `features` */
  readonly status: readonly (readonly Status[])[];
  readonly features: readonly string[];
  /** how fresh the values are, by view */
  readonly views: readonly Freshness[];
  readonly at: number;
  readonly known: number;
  /** the degraded modes during the read; the answer is correct in all of them */
  readonly degraded: readonly DegradedMode[];
}

export interface Published {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly {
    readonly index: number;
    readonly field: string;
    readonly code: string;
    readonly message: string;
  }[];
  /** use it as `after` of a read */
  readonly position: string;
}
