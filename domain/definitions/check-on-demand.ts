/**
 * Checks an on-demand feature: its inputs exist, its value has the declared type, and it does not
 * depend on itself.
 */
import { MillraceError } from '#domain/errors.ts';
import { shortExpr } from '#domain/expressions/format.ts';
import { infer, type Scope } from '#domain/expressions/typecheck.ts';
import { suggestion } from '#domain/values/did-you-mean.ts';
import { formatFieldType, readFieldType } from '#domain/values/field-type.ts';
import type { FieldType, ScalarType } from '#domain/values/value.ts';
import { type Lookups, type Report, reportAbsent } from './check-context.ts';
import { typed } from './check-view.ts';
import type { OnDemandFeatureDefinition, OnDemandInput } from './model.ts';

/** The chain of names of a dependency cycle that `def` reaches, or null. */
function findCycle(
  def: OnDemandFeatureDefinition,
  lookup: Lookups['onDemand'],
): readonly string[] | null {
  const done = new Set<string>();
  const visit = (
    current: OnDemandFeatureDefinition,
    path: readonly string[],
  ): readonly string[] | null => {
    for (const input of Object.values(current.inputs)) {
      if (input.from !== 'on-demand') continue;
      const start = path.indexOf(input.name);
      if (start >= 0) return [...path.slice(start), input.name];
      const next = done.has(input.name) ? undefined : lookup(input.name);
      const cycle = next && visit(next, [...path, input.name]);
      if (cycle) return cycle;
      done.add(input.name);
    }
    return null;
  };
  return visit(def, [def.name]);
}

/** Types of on-demand features, by name, that are found already. */
type Known = Map<string, FieldType>;

/** The input's type; undefined where it is unknown. */
function inputType(
  input: OnDemandInput,
  what: string,
  lookups: Lookups,
  report: Report,
  found: Known,
): FieldType | undefined {
  if (input.from === 'request') {
    const type = readFieldType(input.type);
    if (type === undefined)
      report(
        'MR_DEFINITION_INVALID',
        `${what}: ${JSON.stringify(input.type)} is not a field type.`,
      );
    // A read must give it, but a row of a spine may leave it empty.
    return type && { ...type, nullable: true };
  }
  if (input.from === 'on-demand') {
    const other = lookups.onDemand(input.name);
    if (!other) reportAbsent(what, 'on-demand-feature', input.name, lookups, report);
    return other && typeOfOnDemand(other, lookups, found);
  }
  const view = lookups.view(input.view);
  if (!view) reportAbsent(what, 'feature-view', input.view, lookups, report);
  else if (!Object.hasOwn(view.features, input.feature)) {
    const names = Object.keys(view.features);
    report(
      'MR_UNKNOWN_REFERENCE',
      `${what}: ${view.name} has no feature ${JSON.stringify(input.feature)}: it has ${names.join(', ')}${suggestion(input.feature, names) || '.'}`,
    );
  } else return lookups.featureType?.(view, input.feature);
  return undefined;
}

/**
 * The type of an on-demand feature's values: the declared one, nullable if the expression can be
 * null over inputs of these types.
 */
export function typeOfOnDemand(
  def: OnDemandFeatureDefinition,
  lookups: Lookups,
  found: Known = new Map(),
): FieldType {
  const known = found.get(def.name);
  if (known !== undefined) return known;
  // A feature that depends on itself is refused elsewhere; here it only must come to an end.
  const unknown: FieldType = { base: def.type, array: false, nullable: true };
  found.set(def.name, unknown);
  let nullable = true;
  try {
    nullable = infer(def.value, scopeOfInputs(def, lookups, found))?.nullable ?? true;
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
  }
  const type = { ...unknown, nullable };
  found.set(def.name, type);
  return type;
}

const FITS: Readonly<Partial<Record<ScalarType, readonly ScalarType[]>>> = {
  long: ['int'],
  double: ['int', 'long', 'float'],
};

export function checkOnDemand(
  def: OnDemandFeatureDefinition,
  lookups: Lookups,
  report: Report,
): void {
  const what = `on-demand feature ${def.name}`;
  const own: Lookups['onDemand'] = (name) => (name === def.name ? def : lookups.onDemand(name));
  const types: Record<string, FieldType> = {};
  let known = true;
  const requested = new Map<string, string>();
  for (const [name, input] of Object.entries(def.inputs)) {
    const of = `${what}: input ${name}`;
    const type = inputType(input, of, { ...lookups, onDemand: own }, report, new Map());
    if (type) types[name] = type;
    else known = false;
    if (input.from === 'request') {
      const before = requested.get(input.name);
      if (before !== undefined && before !== input.type) {
        report(
          'MR_DEFINITION_INVALID',
          `${what}: the request input ${input.name} is declared both as ${before} and as ${input.type}.`,
        );
      }
      requested.set(input.name, input.type);
    }
  }
  const cycle = findCycle(def, own);
  if (cycle) report('MR_DEFINITION_CYCLE', `${what}: depends on itself: ${cycle.join(' → ')}.`);
  if (!known || cycle) return;
  const type = typed(def.value, { inputs: types }, `${what}: value`, report);
  if (type && (type.array || (type.base !== def.type && !FITS[def.type]?.includes(type.base)))) {
    const hint = type.array ? '' : `: cast it, or declare the type ${type.base}`;
    report(
      'MR_EXPRESSION_INVALID',
      `${what}: the value ${shortExpr(def.value)} is ${formatFieldType(type)}, but the declared type is ${def.type}${hint}.`,
    );
  }
}

/**
 * The scope in which an on-demand feature's value is compiled: `compileExpr(def.value,
 * scopeOfInputs(def, lookups))`.
 */
export function scopeOfInputs(
  def: OnDemandFeatureDefinition,
  lookups: Lookups,
  found: Known = new Map(),
): Scope {
  const types = Object.entries(def.inputs).map(
    ([name, input]) => [name, inputType(input, name, lookups, () => {}, found)] as const,
  );
  return {
    inputs: Object.fromEntries(types.flatMap(([name, type]) => (type ? [[name, type]] : []))),
  };
}
