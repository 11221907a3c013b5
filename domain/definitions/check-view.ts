/** Checks a feature view against its entity and its source: keys, columns, windows. */
import { AGGREGATIONS } from '#domain/aggregations/table.ts';
import { MillraceError } from '#domain/errors.ts';
import type { Expr } from '#domain/expressions/ast.ts';
import { infer, type Scope } from '#domain/expressions/typecheck.ts';
import { defaultHop, MAX_TILES } from '#domain/plan/hop.ts';
import { suggestion } from '#domain/values/did-you-mean.ts';
import { formatDuration } from '#domain/values/duration.ts';
import { formatFieldType, readFieldType } from '#domain/values/field-type.ts';
import type { FieldType } from '#domain/values/value.ts';
import { checkDuration, type Lookups, type Report, reportAbsent } from './check-context.ts';
import { checkEntityIsRow } from './check-dimension.ts';
import type {
  EntityDefinition,
  FeatureDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from './model.ts';
import { NAME, NAME_RULE } from './names.ts';

export function checkFeatureView(
  def: FeatureViewDefinition,
  lookups: Lookups,
  report: Report,
): void {
  const what = `feature view ${def.name}`;
  const entity = lookups.entity(def.entity);
  const source = lookups.source(def.source);
  if (!entity) reportAbsent(what, 'entity', def.entity, lookups, report);
  if (!source) reportAbsent(what, 'source', def.source, lookups, report);
  if (entity && source) {
    checkKeys(def, entity, source, report);
    checkEntityIsRow(def, entity, source, report);
  }
  for (const key of ['lateness', 'ttl', 'freshness'] as const) {
    const text = def[key];
    if (text !== undefined)
      checkDuration(text, `${what}: ${key}`, key === 'lateness' ? 0 : 1, report);
  }
  if (def.ephemeral !== undefined) checkEphemeral(def, def.ephemeral, what, report);
  const scope = source && { columns: columnsOf(source) };
  if (def.where && scope) checkCondition(def.where, scope, `${what}: where`, report);
  const features = Object.entries(def.features);
  if (features.length === 0) report('MR_DEFINITION_INVALID', `${what}: needs a feature.`);
  for (const [name, feature] of features) {
    if (!NAME.test(name))
      report(
        'MR_DEFINITION_INVALID',
        `${what}: the feature ${JSON.stringify(name)} must be ${NAME_RULE}.`,
      );
    if (entity && Object.hasOwn(entity.keys, name)) {
      report(
        'MR_DEFINITION_INVALID',
        `${what}: the feature ${name} has the name of a key of ${entity.name}: answers contain both, so rename the feature.`,
      );
    }
    checkWindow(feature, `${what}: ${name}`, report);
    checkParameters(feature, `${what}: ${name}`, report);
    if (!scope) continue;
    if (feature.where) checkCondition(feature.where, scope, `${what}: ${name}: where`, report);
    if (feature.input) {
      typed(feature.input, scope, `${what}: ${name}`, report);
      checkNoText(feature.input, scope, `${what}: ${name}`, report);
    }
  }
}

/** Refuses `avg('delay')`: its input is the text 'delay' for every event, never the field. */
function checkNoText(
  input: Expr,
  { columns }: { readonly columns: Readonly<Record<string, FieldType>> },
  what: string,
  report: Report,
): void {
  if (input.op !== 'lit' || typeof input.value !== 'string' || !Object.hasOwn(columns, input.value))
    return;
  const field = JSON.stringify(input.value);
  report(
    'MR_EXPRESSION_INVALID',
    `${what}: the input is the text ${field}, the same for every event: write col(${field}) for the field.`,
  );
}

/**
 * A value must reach the durable tier before it leaves the cache tier. It does within two flushes;
 * the third allows for a late one.
 */
function checkEphemeral(
  { online }: FeatureViewDefinition,
  { ttl, flush }: NonNullable<FeatureViewDefinition['ephemeral']>,
  what: string,
  report: Report,
): void {
  const [kept, every] = [
    checkDuration(ttl, `${what}: ephemeral.ttl`, 1, report),
    checkDuration(flush, `${what}: ephemeral.flush`, 1, report),
  ];
  if (kept !== null && every !== null && kept < 3 * every)
    report(
      'MR_DEFINITION_INVALID',
      `${what}: ephemeral.ttl ${ttl} must be at least three times ephemeral.flush ${flush}: a value must be flushed before it leaves the cache tier.`,
    );
  if (online === false)
    report(
      'MR_DEFINITION_INVALID',
      `${what}: cannot be ephemeral with online: false; remove one of the two.`,
    );
}

/** The fields whose type text is valid. */
function columnsOf(source: SourceDefinition): Record<string, FieldType> {
  const types = Object.entries(source.fields).map(
    ([field, text]) => [field, readFieldType(text)] as const,
  );
  return Object.fromEntries(
    types.filter((entry): entry is [string, FieldType] => entry[1] !== undefined),
  );
}

function checkKeys(
  def: FeatureViewDefinition,
  entity: EntityDefinition,
  source: SourceDefinition,
  report: Report,
): void {
  const what = `feature view ${def.name}`;
  for (const key of Object.keys(def.join ?? {})) {
    if (!Object.hasOwn(entity.keys, key)) {
      report(
        'MR_DEFINITION_INVALID',
        `${what}: join names ${JSON.stringify(key)}, which is not a key of ${entity.name}: the keys are ${Object.keys(entity.keys).join(', ')}.`,
      );
    }
  }
  const columns = columnsOf(source);
  for (const [key, wanted] of Object.entries(entity.keys)) {
    const field = def.join?.[key] ?? key;
    const type = Object.hasOwn(columns, field) ? columns[field] : undefined;
    if (type === undefined) {
      report(
        'MR_UNKNOWN_COLUMN',
        `${what}: the key ${key} of ${entity.name} needs a field ${JSON.stringify(field)} in ${source.name}: name another field with join; the fields are ${Object.keys(source.fields).join(', ')}${suggestion(field, Object.keys(source.fields))}`,
      );
    } else if (
      type.array ||
      (type.base !== wanted && !(type.base === 'int' && wanted === 'long'))
    ) {
      report(
        'MR_DEFINITION_INVALID',
        `${what}: the key ${key} of ${entity.name} is ${wanted}, but ${source.name}.${field} is ${formatFieldType(type)}.`,
      );
    }
  }
}

/** The type, null for the literal null, or undefined after reporting a problem. */
export function typed(
  expr: Expr,
  scope: Scope,
  what: string,
  report: Report,
): FieldType | null | undefined {
  try {
    return infer(expr, scope);
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    report(error.code, `${what}: ${error.message}`);
    return undefined;
  }
}

function checkCondition(expr: Expr, scope: Scope, what: string, report: Report): void {
  const type = typed(expr, scope, what, report);
  if (type !== undefined && (type === null || type.array || type.base !== 'boolean')) {
    report(
      'MR_EXPRESSION_INVALID',
      `${what} must be a boolean, is ${type === null ? 'null' : formatFieldType(type)}.`,
    );
  }
}

/** Refuses a parameter that the aggregation would ignore; the plan checks the others' values. */
function checkParameters(
  { aggregation, params }: FeatureDefinition,
  what: string,
  report: Report,
): void {
  const known = AGGREGATIONS.get(aggregation)?.parameters.map((parameter) => parameter.name);
  for (const name of Object.keys(params ?? {})) {
    if (known === undefined || known.includes(name)) continue;
    const others = known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`;
    report(
      'MR_DEFINITION_INVALID',
      `${what}: ${aggregation} has no parameter ${JSON.stringify(name)}: ${others}${suggestion(name, known)}`,
    );
  }
}

function checkWindow(feature: FeatureDefinition, what: string, report: Report): void {
  const window =
    feature.window === undefined
      ? null
      : checkDuration(feature.window, `${what}: window`, 1, report);
  if (feature.hop === undefined) return;
  const hop = checkDuration(feature.hop, `${what}: hop`, 1, report);
  if (feature.window === undefined) {
    report(
      'MR_HOP_INVALID',
      `${what}: has a hop but no window: add a window, or remove the hop to cover all time.`,
    );
    return;
  }
  if (window === null || hop === null) return;
  if (window % hop !== 0)
    report(
      'MR_HOP_INVALID',
      `${what}: the hop ${feature.hop} does not divide the window ${feature.window}; ${formatDuration(defaultHop(window))} does.`,
    );
  else if (window / hop > MAX_TILES) {
    report(
      'MR_HOP_INVALID',
      `${what}: the window ${feature.window} has ${window / hop} tiles of ${feature.hop}, more than ${MAX_TILES}: use ${formatDuration(defaultHop(window))}, or another hop that divides it into fewer.`,
    );
  }
}
