/**
 * Makes a view's plan from its definition: expressions are compiled once, equal partials are kept
 * once and named by their meaning, and tiles are grouped by hop.
 */
import type { Partial } from '#domain/aggregations/aggregation.ts';
import { orderedPartial, PRESENCE } from '#domain/aggregations/first-last.ts';
import { nullable } from '#domain/aggregations/parameters.ts';
import { aggregationNamed } from '#domain/aggregations/table.ts';
import type {
  EntityDefinition,
  FeatureDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import type { Expr } from '#domain/expressions/ast.ts';
import { canonical } from '#domain/expressions/canonical.ts';
import { columnsIn } from '#domain/expressions/columns.ts';
import { type Compiled, compileExpr } from '#domain/expressions/compile.ts';
import { typeOf } from '#domain/expressions/typecheck.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import { parseDuration } from '#domain/values/duration.ts';
import { isNumeric, parseFieldType } from '#domain/values/field-type.ts';
import { hash64 } from '#domain/values/hash.ts';
import { compileKeyOf } from './entity-key.ts';
import { both, existenceOf, paramsOver, presenceOf } from './existence.ts';
import { aggregationText } from './feature-text.ts';
import { hopOf } from './hop.ts';
import type {
  HopGroup,
  PlannedExistence,
  PlannedFeature,
  PlannedPartial,
  ViewPlan,
} from './plan.ts';

interface GroupDraft {
  readonly hopMs: number;
  reachMs: number;
  nums: number;
  refs: number;
  readonly partials: PlannedPartial[];
}

/** Adds the feature, and what it computes, to an error. */
const named = <T>(name: string, feature: FeatureDefinition, body: () => T): T => {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    throw new MillraceError(
      error.code,
      `${name}: in ${aggregationText(feature)}: ${error.message}`,
      { ...error.details, feature: name },
    );
  }
};

const durationOrNull = (text: string | undefined): number | null =>
  text === undefined ? null : parseDuration(text);

/**
 * @throws MillraceError MR_UNKNOWN_COLUMN, MR_DEFINITION_INVALID, MR_HOP_INVALID,
 * MR_DURATION_INVALID or MR_EXPRESSION_INVALID where the definitions do not fit together
 */
export const planView = (
  view: FeatureViewDefinition,
  source: SourceDefinition,
  entity: EntityDefinition,
): ViewPlan => {
  const columns = sourceFields(source);
  const scope = { columns };
  const compiled = new Map<string, Compiled>();
  /** Equal expressions become one function, so that the engine evaluates each once per event. */
  const compile = (expr: Expr): Compiled => {
    const id = canonical(expr);
    let f = compiled.get(id);
    if (f === undefined) {
      f = compileExpr(expr, scope);
      compiled.set(id, f);
    }
    return f;
  };

  const groups: GroupDraft[] = [];
  const groupOf = (hopMs: number): GroupDraft => {
    let group = groups.find((g) => g.hopMs === hopMs);
    if (group === undefined) {
      group = { hopMs, reachMs: 0, nums: 0, refs: 0, partials: [] };
      groups.push(group);
    }
    return group;
  };
  const digitsOf = (meaning: string, digits: number): string =>
    `p_${hash64(meaning).slice(0, digits)}`;
  const meanings = new Map<string, string>();
  /**
   * Eight digits of the hash of a partial's meaning, or more if another partial of the view has the
   * same eight.
   */
  const nameOf = (meaning: string): string => {
    for (let digits = 8; ; digits++) {
      const name = digitsOf(meaning, digits);
      const known = meanings.get(name) ?? meaning;
      if (known !== meaning && digits < 16) continue;
      meanings.set(name, meaning);
      return name;
    }
  };
  const partialOf = (
    group: GroupDraft,
    partial: Partial,
    input: Expr | null,
    where: Expr | null,
  ): number => {
    const meaningOf = (id: string): string =>
      `${id}|${canonical(input)}|${canonical(where)}|${group.hopMs}`;
    const name = nameOf(meaningOf(partial.id));
    const found = group.partials.findIndex((p) => p.name === name);
    if (found >= 0) return found;
    const planned: PlannedPartial = {
      name,
      formerNames: (partial.formerIds ?? []).map((id) => digitsOf(meaningOf(id), 8)),
      partial,
      input,
      where,
      evaluate: input === null ? null : compile(input),
      filter: where === null ? null : compile(where),
      n: group.nums,
      r: group.refs,
    };
    group.nums += partial.nums.length;
    group.refs += partial.refs.length;
    return group.partials.push(planned) - 1;
  };

  const existence = existenceOf(view, source);
  // The filter of a view over a dimension removes entities, so every event counts.
  const counted = existence === null ? (view.where ?? null) : null;
  const features = Object.entries(view.features).map(([name, feature]): PlannedFeature => {
    const bound = named(name, feature, () => {
      const inputType = feature.input === null ? null : typeOf(feature.input, scope);
      const params = paramsOver(source, feature);
      return aggregationNamed(feature.aggregation).bind(inputType, params);
    });
    const hopMs = hopOf(name, feature.window, feature.hop);
    const windowMs = feature.window === undefined ? null : parseDuration(feature.window);
    const group = groupOf(hopMs);
    group.reachMs = Math.max(group.reachMs, windowMs ?? Number.POSITIVE_INFINITY);
    const where = both(existence?.condition, feature.where) ?? null;
    const partials = bound.partials.map((partial, i) => {
      const { input } = feature;
      const lifted = bound.inputs?.[i] === 'presence' ? presenceOf(input as Expr) : input;
      return partialOf(group, partial, lifted, where);
    });
    return {
      name,
      type: view.ttl === undefined ? bound.type : nullable(bound.type),
      aggregation: bound,
      windowMs,
      hop: groups.indexOf(group),
      partials,
    };
  });

  const planExistence = (): PlannedExistence | null => {
    if (existence === null) return null;
    const group = groupOf(0);
    group.reachMs = Number.POSITIVE_INFINITY;
    const partial = partialOf(group, orderedPartial(PRESENCE, 1, -1), existence.presence, null);
    return {
      hop: groups.indexOf(group),
      partial,
      evaluate: compile(existence.presence),
    };
  };
  const planned = planExistence();

  const keys = Object.entries(entity.keys).map(([name, base]) => {
    const field = view.join?.[name] ?? name;
    if (columns[field] === undefined) {
      return fail(
        'MR_UNKNOWN_COLUMN',
        `view "${view.name}" needs the entity key "${name}", but source "${source.name}" has no field "${field}"`,
        { field },
      );
    }
    return { name, field, type: parseFieldType(base) };
  });

  const {
    owner: _owner,
    description: _text,
    tags: _tags,
    freshness: _freshness,
    ephemeral,
    features: definitions,
    ...rest
  } = view;
  const values = Object.fromEntries(
    Object.entries(definitions).map(([name, { description: _text, ...feature }]) => [
      name,
      feature,
    ]),
  );
  const used = new Set([source.eventTime, ...keys.map(({ field }) => field)]);
  columnsIn([view.where, definitions, existence?.presence], used);
  const reads = Object.fromEntries(Object.entries(columns).filter(([field]) => used.has(field)));
  // The width of a number and whether it may be null change no value of an earlier event.
  const kinds = Object.entries(reads).map(([field, type]) => [
    field,
    isNumeric({ ...type, array: false }) ? 'number' : type.base,
    type.array,
  ]);

  return {
    view: view.name,
    source: source.name,
    entity: entity.name,
    keys,
    keyOf: compileKeyOf(keys),
    where: counted,
    filter: counted === null ? null : compile(counted),
    existence: planned,
    hops: groups satisfies HopGroup[],
    features,
    latenessMs: durationOrNull(view.lateness),
    ttlMs: durationOrNull(view.ttl),
    freshnessMs: durationOrNull(view.freshness),
    ephemeral:
      ephemeral === undefined
        ? null
        : { ttlMs: parseDuration(ephemeral.ttl), flushMs: parseDuration(ephemeral.flush) },
    reachMs: Math.max(0, ...groups.map((g) => g.reachMs)),
    reads,
    hash: hash64(
      canonical({
        rest,
        values,
        hops: features.map(({ hop }) => groups[hop]?.hopMs ?? null),
        keys: entity.keys,
        eventTime: source.eventTime,
        ...(source.dimension && { dimension: source.dimension }),
        kinds,
      }),
    ),
  };
};
