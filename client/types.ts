/** What the definitions say of events and rows, as types. */
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

/** Of a field's type as it is written: `long`, `double?`, `array<string>`. */
export type FieldValue<T extends string> = T extends `${infer Base}?`
  ? FieldValue<Base> | null
  : T extends `array<${infer Item}>`
    ? readonly FieldValue<Item>[]
    : ScalarOf<T>;

/** The names that are known, where the type also allows any. */
type Known<Fields> = { [N in keyof Fields as string extends N ? never : N]: Fields[N] };

type NullableNames<Fields> = {
  [N in keyof Fields]: Fields[N] extends `${string}?` ? N : never;
}[keyof Fields];

/**
 * An event of a source: fields that may be null may be left out. Times are epoch ms, or ISO 8601
 * with a zone.
 */
export type EventOf<S extends SourceDefinition> = keyof Known<S['fields']> extends never
  ? Readonly<Record<string, unknown>>
  : EventOfFields<Known<S['fields']>>;

type EventOfFields<Fields> = {
  readonly [N in Exclude<keyof Fields, NullableNames<Fields>>]: FieldValue<Fields[N] & string>;
} & { readonly [N in NullableNames<Fields>]?: FieldValue<Fields[N] & string> };

/** A row of a read, by the features' names. */
export type RowOf<Names extends string> = { readonly [N in Names]: Value };

export interface Freshness {
  readonly view: string;
  readonly version: number;
  readonly generation: number;
  /** newest event time that is in the values, epoch ms; null: there is none */
  readonly eventTime: number | null;
  readonly position: string;
  /**
   * epoch ms: every event that the log had accepted by then is in the values, and later ones may
   * be; null: not known yet
   */
  readonly completeThrough: number | null;
}

export type Status = 'present' | 'null' | 'not-found' | 'expired' | 'overflow';

export interface ReadOptions {
  /** epoch ms: the values as of then; absent: now */
  readonly at?: number;
  /** epoch ms: what was known then; absent: all */
  readonly known?: number;
  /** a position that a publish gave: the values are of what it published, too */
  readonly after?: string;
  /** inputs of on-demand features: one a row, or one for all */
  readonly request?: readonly Readonly<Record<string, Value>>[];
  /** of this call with its retries; absent: the client's */
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
  /** the degraded modes that the answer was made in, right all the same */
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
  /** give it as `after` to a read */
  readonly position: string;
}
