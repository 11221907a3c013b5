/** Prints definitions as readable TypeScript. */
import type {
  Definition,
  FeatureDefinition,
  FeatureServiceDefinition,
  FeatureViewDefinition,
  Kind,
  OnDemandFeatureDefinition,
  OnDemandInput,
  ServiceMember,
} from '#domain/definitions/model.ts';
import type { Expr } from '#domain/expressions/ast.ts';
import { call, type Doc, group, isIdentifier, list, object, print, text } from './print.ts';
import type { Variables } from './variables.ts';

interface Described {
  readonly owner?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
}

const optional = (value: string | undefined): Doc | undefined =>
  value === undefined ? undefined : text(value);

const describedEntries = ({ owner, description, tags }: Described): [string, Doc | undefined][] => [
  ['owner', optional(owner)],
  ['description', optional(description)],
  ['tags', tags === undefined ? undefined : list(tags.map(text))],
];

const texts = (record: Readonly<Record<string, string>>): Doc =>
  object(Object.entries(record).map(([key, value]) => [key, text(value)]));

const METHODS: Readonly<Record<string, string>> = {
  add: 'plus',
  sub: 'minus',
  mul: 'times',
  div: 'dividedBy',
};

const exprText = (expr: Expr, names: ReadonlyMap<string, string>): string => {
  switch (expr.op) {
    case 'col':
      return `col(${text(expr.name)})`;
    case 'input':
      return names.get(expr.name) ?? expr.name;
    case 'lit':
      return typeof expr.value === 'string' ? text(expr.value) : String(expr.value);
    case 'call': {
      const [first, ...others] = expr.args as [Expr, ...Expr[]];
      const receiver =
        first.op === 'lit' ? `lit(${exprText(first, names)})` : exprText(first, names);
      return `${receiver}.${METHODS[expr.fn] ?? expr.fn}(${others.map((other) => exprText(other, names)).join(', ')})`;
    }
    case 'when':
      throw new Error('an import has no conditions');
  }
};

const NO_NAMES: ReadonlyMap<string, string> = new Map();

const featureDoc = ({ aggregation, input, window, hop, description }: FeatureDefinition): Doc => {
  const options = object([
    ['window', optional(window)],
    ['hop', optional(hop)],
    ['description', optional(description)],
  ]);
  return call(
    aggregation,
    ...(input === null ? [] : [exprText(input, NO_NAMES)]),
    ...(options === '{}' ? [] : [options]),
  );
};

const viewDoc = (view: FeatureViewDefinition, variables: Variables): Doc =>
  call(
    'featureView',
    object([
      ['name', text(view.name)],
      ['entity', variables.of('entity', view.entity)],
      ['source', variables.of('source', view.source)],
      ['join', view.join === undefined ? undefined : texts(view.join)],
      ['ttl', optional(view.ttl)],
      ['online', view.online === false ? 'false' : undefined],
      [
        'features',
        object(Object.entries(view.features).map(([name, feature]) => [name, featureDoc(feature)])),
      ],
      ...describedEntries(view),
    ]),
  );

const inputDoc = (input: OnDemandInput, variables: Variables): Doc => {
  switch (input.from) {
    case 'feature':
      return call(`${variables.of('feature-view', input.view)}.feature`, text(input.feature));
    case 'request':
      return call('request', text(input.name), text(input.type));
    case 'on-demand':
      return variables.of('on-demand-feature', input.name);
  }
};

const onDemandDoc = (feature: OnDemandFeatureDefinition, variables: Variables): Doc => {
  const names = new Map(
    Object.keys(feature.inputs).map((name) => [name, isIdentifier(name) ? name : `${name}_`]),
  );
  const parameters = group(
    '{',
    [...names].map(([name, local]) => (name === local ? name : `${name}: ${local}`)),
    '}',
    ' ',
  );
  return call(
    'onDemandFeature',
    object([
      ['name', text(feature.name)],
      ['type', text(feature.type)],
      [
        'inputs',
        object(
          Object.entries(feature.inputs).map(([name, input]) => [name, inputDoc(input, variables)]),
        ),
      ],
      ['value', `(${print(parameters)}) => ${exprText(feature.value, names)}`],
      ...describedEntries(feature),
    ]),
  );
};

export type ViewNamed = (name: string) => FeatureViewDefinition | undefined;

const memberDoc = (member: ServiceMember, variables: Variables, viewNamed: ViewNamed): Doc => {
  if (member.from === 'on-demand') return variables.of('on-demand-feature', member.name);
  const view = variables.of('feature-view', member.view);
  const all = Object.keys(viewNamed(member.view)?.features ?? {});
  return all.join() === member.features.join()
    ? view
    : call(`${view}.pick`, ...member.features.map(text));
};

const serviceDoc = (
  service: FeatureServiceDefinition,
  variables: Variables,
  viewNamed: ViewNamed,
): Doc =>
  call(
    'featureService',
    object([
      ['name', text(service.name)],
      ['features', list(service.features.map((member) => memberDoc(member, variables, viewNamed)))],
      ['logging', service.logging && object([['sample', String(service.logging.sample)]])],
      ...describedEntries(service),
    ]),
  );

const docOf = (definition: Definition, variables: Variables, viewNamed: ViewNamed): Doc => {
  switch (definition.kind) {
    case 'entity':
      return call(
        'entity',
        object([
          ['name', text(definition.name)],
          ['keys', texts(definition.keys)],
          ...describedEntries(definition),
        ]),
      );
    case 'source':
      return call(
        'source',
        object([
          ['name', text(definition.name)],
          ['fields', texts(definition.fields)],
          ['eventTime', text(definition.eventTime)],
          ...describedEntries(definition),
        ]),
      );
    case 'feature-view':
      return viewDoc(definition, variables);
    case 'on-demand-feature':
      return onDemandDoc(definition, variables);
    case 'feature-service':
      return serviceDoc(definition, variables, viewNamed);
  }
};

const BUILDER: Readonly<Record<Kind, string>> = {
  entity: 'entity',
  source: 'source',
  'feature-view': 'featureView',
  'on-demand-feature': 'onDemandFeature',
  'feature-service': 'featureService',
};

const functionsIn = (expr: Expr): string[] =>
  expr.op === 'col'
    ? ['col']
    : expr.op === 'call'
      ? [...(expr.args[0]?.op === 'lit' ? ['lit'] : []), ...expr.args.flatMap(functionsIn)]
      : [];

/** The names that its text imports from `millrace`. */
export const importsOf = (definition: Definition): string[] => {
  const builder = BUILDER[definition.kind];
  if (definition.kind === 'feature-view')
    return [
      builder,
      ...Object.values(definition.features).flatMap((f) => [
        f.aggregation,
        ...(f.input ? functionsIn(f.input) : []),
      ]),
    ];
  if (definition.kind !== 'on-demand-feature') return [builder];
  const requested = Object.values(definition.inputs).some((input) => input.from === 'request');
  return [builder, ...(requested ? ['request'] : []), ...functionsIn(definition.value)];
};

/** The definitions that its text refers to. */
export const referencesOf = (definition: Definition): (readonly [Kind, string])[] => {
  switch (definition.kind) {
    case 'feature-view':
      return [
        ['entity', definition.entity],
        ['source', definition.source],
      ];
    case 'on-demand-feature':
      return Object.values(definition.inputs).flatMap((input) =>
        input.from === 'feature' ? [['feature-view', input.view] as const] : [],
      );
    case 'feature-service':
      return definition.features.map((member) =>
        member.from === 'view'
          ? (['feature-view', member.view] as const)
          : (['on-demand-feature', member.name] as const),
      );
    default:
      return [];
  }
};

export const statementOf = (
  definition: Definition,
  variables: Variables,
  viewNamed: ViewNamed,
): string => {
  const start = `export const ${variables.of(definition.kind, definition.name)} = `;
  const doc = docOf(definition, variables, viewNamed);
  return `${print(typeof doc === 'string' ? start + doc : { ...doc, open: start + doc.open })};`;
};
