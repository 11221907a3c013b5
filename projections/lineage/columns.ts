/**
 * Which fields a feature is computed from, and how: OpenLineage's column lineage, from the
 * expression tree.
 */
import type {
  EntityDefinition,
  FeatureServiceDefinition,
  FeatureViewDefinition,
  OnDemandFeatureDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import type { Expr } from '#domain/expressions/ast.ts';
import { columnsIn } from '#domain/expressions/columns.ts';
import { formatExpr } from '#domain/expressions/format.ts';
import { featureText } from '#domain/plan/feature-text.ts';
import { datasetName } from './names.ts';

interface Transformation {
  readonly type: 'DIRECT' | 'INDIRECT';
  readonly subtype:
    | 'IDENTITY'
    | 'TRANSFORMATION'
    | 'AGGREGATION'
    | 'FILTER'
    | 'CONDITIONAL'
    | 'GROUP_BY'
    | 'WINDOW'
    | 'SORT';
  readonly description?: string;
}
export interface InputField {
  readonly namespace: string;
  readonly name: string;
  readonly field: string;
  readonly transformations: readonly Transformation[];
}
export interface ColumnLineage {
  readonly fields: Readonly<Record<string, { readonly inputFields: readonly InputField[] }>>;
  /** what all columns depend on */
  readonly dataset: readonly InputField[];
}

interface Reads {
  /** fields whose values go into the result */
  readonly values: ReadonlySet<string>;
  /** fields that only decide which value is used */
  readonly conditions: ReadonlySet<string>;
}

const LEAVES = new Set(['col', 'input']);

const namesIn = (node: unknown, found: Set<string>): void => {
  if (typeof node !== 'object' || node === null) return;
  const { op, name } = node as { op?: unknown; name?: unknown };
  if (typeof op === 'string' && LEAVES.has(op) && typeof name === 'string') found.add(name);
  for (const child of Object.values(node)) namesIn(child, found);
};

export const readsOf = (expr: Expr): Reads => {
  const values = new Set<string>();
  const conditions = new Set<string>();
  const visit = (node: Expr): void => {
    switch (node.op) {
      case 'col':
      case 'input':
        values.add(node.name);
        return;
      case 'lit':
        return;
      case 'call':
        node.args.forEach(visit);
        return;
      case 'when':
        for (const [condition, value] of node.branches) {
          namesIn(condition, conditions);
          visit(value);
        }
        visit(node.otherwise);
    }
  };
  visit(expr);
  return { values, conditions };
};

/** Collects the input fields and how each is used, in the order in which they are added. */
const collect = () => {
  const found = new Map<
    string,
    { readonly at: Omit<InputField, 'transformations'>; readonly ways: Transformation[] }
  >();
  return {
    add(namespace: string, name: string, field: string, way: Transformation): void {
      const id = JSON.stringify([name, field]);
      const entry = found.get(id) ?? { at: { namespace, name, field }, ways: [] };
      found.set(id, entry);
      if (!entry.ways.some(({ subtype }) => subtype === way.subtype)) entry.ways.push(way);
    },
    fields: (): readonly InputField[] =>
      [...found.values()].map(({ at, ways }) => ({ ...at, transformations: ways })),
  };
};

/** Aggregations whose value depends on the order of event times. */
const ORDERED = new Set(['first', 'last', 'firstK', 'lastK']);

const columnsOf = (expr: Expr | undefined): ReadonlySet<string> => {
  const found = new Set<string>();
  columnsIn(expr, found);
  return found;
};

export const viewColumns = (
  namespace: string,
  view: FeatureViewDefinition,
  source: SourceDefinition,
  entity: EntityDefinition,
): ColumnLineage => {
  const raw = datasetName('source', source.name);
  const fields: Record<string, { inputFields: readonly InputField[] }> = {};
  const all = collect();
  for (const key of Object.keys(entity.keys)) {
    const field = view.join?.[key] ?? key;
    all.add(namespace, raw, field, { type: 'INDIRECT', subtype: 'GROUP_BY' });
    fields[key] = {
      inputFields: [
        { namespace, name: raw, field, transformations: [{ type: 'DIRECT', subtype: 'IDENTITY' }] },
      ],
    };
  }
  for (const field of columnsOf(view.where))
    all.add(namespace, raw, field, {
      type: 'INDIRECT',
      subtype: 'FILTER',
      description: formatExpr(view.where as Expr),
    });
  if (source.dimension?.deleted !== undefined)
    all.add(namespace, raw, source.dimension.deleted, {
      type: 'INDIRECT',
      subtype: 'FILTER',
      description: 'rows that are not deleted',
    });
  for (const [name, feature] of Object.entries(view.features)) {
    const mine = collect();
    const description = featureText(feature);
    const reads = feature.input === null ? null : readsOf(feature.input);
    for (const field of reads?.values ?? [])
      mine.add(namespace, raw, field, { type: 'DIRECT', subtype: 'AGGREGATION', description });
    for (const field of reads?.conditions ?? [])
      mine.add(namespace, raw, field, { type: 'INDIRECT', subtype: 'CONDITIONAL', description });
    for (const field of columnsOf(feature.where))
      mine.add(namespace, raw, field, { type: 'INDIRECT', subtype: 'FILTER', description });
    if (feature.window !== undefined)
      mine.add(namespace, raw, source.eventTime, {
        type: 'INDIRECT',
        subtype: 'WINDOW',
        description,
      });
    if (ORDERED.has(feature.aggregation))
      mine.add(namespace, raw, source.eventTime, {
        type: 'INDIRECT',
        subtype: 'SORT',
        description,
      });
    fields[name] = { inputFields: mine.fields() };
  }
  return { fields, dataset: all.fields() };
};

/** Request fields are left out: they belong to no dataset. */
export const onDemandColumns = (
  namespace: string,
  definition: OnDemandFeatureDefinition,
): ColumnLineage => {
  const found = collect();
  const { values, conditions } = readsOf(definition.value);
  const description = formatExpr(definition.value);
  const add = (names: ReadonlySet<string>, way: Transformation): void => {
    for (const name of names) {
      const input = definition.inputs[name];
      if (input?.from === 'feature')
        found.add(namespace, datasetName('feature-view', input.view), input.feature, way);
      if (input?.from === 'on-demand')
        found.add(namespace, datasetName('on-demand-feature', input.name), input.name, way);
    }
  };
  const same = definition.value.op === 'input';
  add(values, { type: 'DIRECT', subtype: same ? 'IDENTITY' : 'TRANSFORMATION', description });
  add(conditions, { type: 'INDIRECT', subtype: 'CONDITIONAL', description });
  return { fields: { [definition.name]: { inputFields: found.fields() } }, dataset: [] };
};

/** A service passes on its members' columns; so does a data set made of it. */
export const serviceColumns = (
  namespace: string,
  members: FeatureServiceDefinition['features'],
): ColumnLineage => {
  const fields: Record<string, { inputFields: readonly InputField[] }> = {};
  const transformations = [{ type: 'DIRECT', subtype: 'IDENTITY' }] as const;
  for (const member of members) {
    if (member.from === 'on-demand')
      fields[member.name] = {
        inputFields: [
          {
            namespace,
            name: datasetName('on-demand-feature', member.name),
            field: member.name,
            transformations,
          },
        ],
      };
    else
      for (const field of member.features)
        fields[field] = {
          inputFields: [
            { namespace, name: datasetName('feature-view', member.view), field, transformations },
          ],
        };
  }
  return { fields, dataset: [] };
};
