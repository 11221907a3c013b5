/**
 * Checks an on-demand feature: its inputs exist, its value has the declared type, and it does not
 * depend on itself.
 */
import type { Scope } from '#domain/expressions/typecheck.ts';
import { formatFieldType, isNumeric, readFieldType } from '#domain/values/field-type.ts';
import type { FieldType, ScalarType } from '#domain/values/value.ts';
import type { Lookups, Report } from './check-context.ts';
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

/** The input's type; undefined where it is unknown. */
function inputType(
  input: OnDemandInput,
  what: string,
  lookups: Lookups,
  report: Report,
): FieldType | undefined {
  if (input.from === 'request') {
    const type = readFieldType(input.type);
    if (type === undefined)
      report(
        'MR_DEFINITION_INVALID',
        `${what}: ${JSON.stringify(input.type)} is not a field type.`,
      );
    return type;
  }
  if (input.from === 'on-demand') {
    const other = lookups.onDemand(input.name);
    if (!other)
      report(
        'MR_UNKNOWN_REFERENCE',
        `${what}: there is no on-demand feature ${JSON.stringify(input.name)}.`,
      );
    return other && { base: other.type, array: false, nullable: true };
  }
  const view = lookups.view(input.view);
  if (!view)
    report(
      'MR_UNKNOWN_REFERENCE',
      `${what}: there is no feature view ${JSON.stringify(input.view)}.`,
    );
  else if (!Object.hasOwn(view.features, input.feature)) {
    report(
      'MR_UNKNOWN_REFERENCE',
      `${what}: ${view.name} has no feature ${JSON.stringify(input.feature)}: it has ${Object.keys(view.features).join(', ')}.`,
    );
  } else return lookups.featureType?.(view, input.feature);
  return undefined;
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
    const type = inputType(input, `${what}: input ${name}`, { ...lookups, onDemand: own }, report);
    if (type) types[name] = { ...type, nullable: true };
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
    const hint = isNumeric(type) ? `; cast it, or declare the type ${type.base}` : '';
    report(
      'MR_EXPRESSION_INVALID',
      `${what}: the value is ${formatFieldType(type)}, but the declared type is ${def.type}${hint}.`,
    );
  }
}

/**
 * The scope in which an on-demand feature's value is compiled: `compileExpr(def.value,
 * scopeOfInputs(def, lookups))`.
 */
export function scopeOfInputs(def: OnDemandFeatureDefinition, lookups: Lookups): Scope {
  const types = Object.entries(def.inputs).map(
    ([name, input]) => [name, inputType(input, name, lookups, () => {})] as const,
  );
  return {
    inputs: Object.fromEntries(
      types.flatMap(([name, type]) => (type ? [[name, { ...type, nullable: true }]] : [])),
    ),
  };
}
