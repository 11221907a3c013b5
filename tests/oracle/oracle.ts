/**
 * value(view, entity, at, known) by a brute-force computation: select the entity's events between
 * two times, list the input's values, apply the textbook formula. It has no partials, tiles or
 * compiled expressions. Every other implementation must give the same values.
 */
import type {
  EntityDefinition,
  FeatureDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import { hopOf } from '#domain/plan/hop.ts';
import type { FeatureStatus } from '#domain/plan/plan.ts';
import { parseDuration } from '#domain/values/duration.ts';
import type { RawEvent, Row, Value } from '#domain/values/value.ts';
import { aggregate, inOrder, type Observed } from './aggregates.ts';
import { interpret } from './expressions.ts';

export interface Definitions {
  readonly view: FeatureViewDefinition;
  readonly source: SourceDefinition;
  readonly entity: EntityDefinition;
}

export interface Answer {
  readonly values: readonly Value[];
  readonly status: readonly FeatureStatus[];
  /** by feature: the largest magnitude among its numbers, for comparisons of floats */
  readonly scale: readonly number[];
}

const fieldOf = ({ view }: Definitions, key: string): string => view.join?.[key] ?? key;

/** The values of a row's entity key; null where one is null. */
export const keyValues = (definitions: Definitions, row: Row): readonly Value[] | null => {
  const parts = Object.keys(definitions.entity.keys).map(
    (key) => row[fieldOf(definitions, key)] ?? null,
  );
  return parts.includes(null) ? null : parts;
};

const passes = ({ where }: FeatureViewDefinition, { row }: RawEvent): boolean =>
  where === undefined || interpret(where, row) === true;

/** The events that the view counts at all: of a dimension, also those that remove an entity. */
export const counted = (definitions: Definitions, event: RawEvent): boolean =>
  (definitions.source.dimension !== undefined || passes(definitions.view, event)) &&
  keyValues(definitions, event.row) !== null;

/** The rows of a dimension that the view takes; none if the newest is gone or does not pass. */
const rowsOf = (
  { view, source: { dimension } }: Definitions,
  events: readonly RawEvent[],
): readonly RawEvent[] => {
  if (dimension === undefined) return events;
  const isRow = (event: RawEvent): boolean =>
    passes(view, event) &&
    !(dimension.deleted !== undefined && event.row[dimension.deleted] === true);
  const newest = inOrder(events).at(-1);
  return newest !== undefined && isRow(newest) ? events.filter(isRow) : [];
};

const WHOLE = new Set(['n']);
const isWhole = ({ input }: FeatureDefinition): boolean =>
  input !== null &&
  (input.op === 'col'
    ? WHOLE.has(input.name)
    : input.op === 'when' ||
      (input.op === 'call' &&
        input.args.every((a) => a.op === 'lit' || (a.op === 'col' && WHOLE.has(a.name)))));

const from = (name: string, { window, hop }: FeatureDefinition, at: number): number => {
  if (window === undefined) return Number.NEGATIVE_INFINITY;
  const hopMs = hopOf(name, window, hop);
  return Math.floor((at - parseDuration(window)) / hopMs) * hopMs;
};

const keepsNulls = (
  { aggregation, params }: FeatureDefinition,
  { dimension }: SourceDefinition,
): boolean =>
  (aggregation === 'first' || aggregation === 'last') &&
  (params?.nulls ?? (dimension === undefined ? 'skip' : 'keep')) === 'keep';

const observed = (
  { input, where }: FeatureDefinition,
  events: readonly RawEvent[],
  nulls: boolean,
): readonly Observed[] =>
  events
    .filter(({ row }) => where === undefined || interpret(where, row) === true)
    .map((event) => ({ event, value: input === null ? true : interpret(input, event.row) }))
    .filter(({ value }) => nulls || value !== null);

/** @param events all known events, of any entity, in any order */
export const oracle = (
  definitions: Definitions,
  events: readonly RawEvent[],
  entity: readonly Value[],
  at: number,
): Answer => {
  const { view } = definitions;
  const all = events.filter(
    (event) =>
      event.eventTime <= at &&
      counted(definitions, event) &&
      keyValues(definitions, event.row)?.every((part, i) => part === entity[i]),
  );
  const mine = rowsOf(definitions, all);
  const newest = all.reduce(
    (time, event) => Math.max(time, event.eventTime),
    Number.NEGATIVE_INFINITY,
  );
  const expired =
    view.ttl !== undefined && mine.length > 0 && newest < at - parseDuration(view.ttl);
  const values: Value[] = [];
  const status: FeatureStatus[] = [];
  const scale: number[] = [];
  for (const [name, feature] of Object.entries(view.features)) {
    const start = from(name, feature, at);
    const seen = observed(
      feature,
      mine.filter((event) => event.eventTime >= start),
      keepsNulls(feature, definitions.source),
    );
    const { value, overflow } = aggregate(
      feature.aggregation,
      seen,
      feature.params ?? {},
      isWhole(feature),
    );
    values.push(expired ? null : value);
    status.push(
      mine.length === 0
        ? 'not-found'
        : expired
          ? 'expired'
          : overflow
            ? 'overflow'
            : value === null
              ? 'null'
              : 'present',
    );
    scale.push(
      seen.reduce(
        (most, { value: v }) => Math.max(most, typeof v === 'number' ? Math.abs(v) : 0),
        0,
      ),
    );
  }
  return { values, status, scale };
};
