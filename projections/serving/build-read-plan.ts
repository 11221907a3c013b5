/** From a service or a list of features to the plan of its reads. */
import type { FeatureServiceDefinition } from '#domain/definitions/model.ts';
import { featureReference } from '#domain/definitions/names.ts';
import { fail } from '#domain/errors.ts';
import { compileExpr } from '#domain/expressions/compile.ts';
import type { ServedView, ServingViews } from '#domain/ports/served-view.ts';
import { parseFieldType } from '#domain/values/field-type.ts';
import type { FieldType } from '#domain/values/value.ts';
import type {
  OnDemandRead,
  ReadColumns,
  ReadDefinitions,
  ReadPlan,
  ViewRead,
} from './read-plan.ts';

/** A feature of a view, as a service or a list names it. */
interface ViewFeature {
  readonly view: string;
  readonly feature: string;
  readonly version: number | undefined;
}

type Column =
  | { readonly kind: 'feature'; readonly wanted: ViewFeature }
  | { readonly kind: 'on-demand'; readonly name: string };

const columnsOfService = (service: FeatureServiceDefinition): Column[] =>
  service.features.flatMap((member): Column[] =>
    member.from === 'on-demand'
      ? [{ kind: 'on-demand', name: member.name }]
      : member.features.map((feature) => ({
          kind: 'feature',
          wanted: { view: member.view, feature, version: member.version },
        })),
  );

const columnsOfList = (features: readonly string[]): Column[] =>
  features.map((text): Column => {
    const wanted = featureReference(text);
    return wanted === null ? { kind: 'on-demand', name: text } : { kind: 'feature', wanted };
  });

/** Plain names where they are unique, else `view__feature`. */
const nameColumns = (columns: readonly Column[]): string[] => {
  const plain = columns.map((column) =>
    column.kind === 'feature' ? column.wanted.feature : column.name,
  );
  const counts = new Map<string, number>();
  for (const name of plain) counts.set(name, (counts.get(name) ?? 0) + 1);
  return columns.map((column, i) => {
    const name = plain[i] as string;
    return column.kind === 'feature' && (counts.get(name) ?? 0) > 1
      ? `${column.wanted.view}__${name}`
      : name;
  });
};

const servedOrFail = (
  definitions: Pick<ReadDefinitions, 'retired'>,
  views: ServingViews,
  view: string,
  version: number | undefined,
): ServedView => {
  const served = views.live(view, version);
  if (served === null) {
    const which = version === undefined ? '' : ` version ${version}`;
    return fail(
      'MR_NOT_FOUND',
      definitions.retired('feature-view', view) ??
        `there is no feature view "${view}"${which} to read: \`millrace list feature-view\` shows what there is`,
      { view },
    );
  }
  if (served === 'filling') {
    return fail(
      'MR_VIEW_NOT_READY',
      `the first generation of view "${view}" is still being filled: \`millrace status\` shows how far it is`,
      { view },
    );
  }
  return served;
};

/**
 * The version of each view that on-demand features read: the pinned one, where all columns of the
 * view pin the same. A training set of the same service does the same.
 */
const pinsOf = (columns: readonly Column[]): ReadonlyMap<string, number | undefined> => {
  const pins = new Map<string, number | undefined>();
  for (const column of columns) {
    if (column.kind !== 'feature') continue;
    const { view, version } = column.wanted;
    pins.set(view, pins.has(view) && pins.get(view) !== version ? undefined : version);
  }
  return pins;
};

const build = (
  columns: readonly Column[],
  definitions: ReadDefinitions,
  views: ServingViews,
): ReadPlan => {
  const viewReads: {
    served: ServedView;
    pinned?: number;
    columns: { feature: number; column: number }[];
  }[] = [];
  const viewIndex = new Map<string, number>();
  const onDemand: OnDemandRead[] = [];
  const onDemandIndex = new Map<string, number>();
  const request = new Map<string, FieldType>();

  const pins = pinsOf(columns);

  const viewOf = (view: string, version: number | undefined): number => {
    const id = `${view}@${version ?? ''}`;
    let index = viewIndex.get(id);
    if (index === undefined) {
      const served = servedOrFail(definitions, views, view, version);
      const pinned = version === undefined ? {} : { pinned: version };
      index = viewReads.push({ served, ...pinned, columns: [] }) - 1;
      viewIndex.set(id, index);
    }
    return index;
  };
  const featureOf = (view: number, name: string): number => {
    const { plan } = (viewReads[view] as { readonly served: ServedView }).served;
    const feature = plan.features.findIndex((f) => f.name === name);
    if (feature >= 0) return feature;
    const names = plan.features.map((f) => f.name).join(', ');
    return fail('MR_NOT_FOUND', `view "${plan.view}" has no feature "${name}"; it has ${names}`, {
      view: plan.view,
      feature: name,
    });
  };
  const addOnDemand = (name: string): number => {
    const added = onDemandIndex.get(name);
    if (added !== undefined) return added;
    const definition = definitions.onDemand(name);
    if (definition === null) {
      return fail(
        'MR_NOT_FOUND',
        definitions.retired('on-demand-feature', name) ??
          `there is no on-demand feature "${name}"; a view's feature is written "view:feature"`,
        {
          feature: name,
        },
      );
    }
    const inputs = Object.entries(definition.inputs).map(([parameter, input]) => {
      switch (input.from) {
        case 'feature': {
          const view = viewOf(input.view, pins.get(input.view));
          return {
            parameter,
            from: { from: 'feature', view, feature: featureOf(view, input.feature) } as const,
          };
        }
        case 'request': {
          const type = parseFieldType(input.type);
          request.set(input.name, type);
          return { parameter, from: { from: 'request', name: input.name, type } as const };
        }
        case 'on-demand':
          return {
            parameter,
            from: { from: 'on-demand', index: addOnDemand(input.name) } as const,
          };
      }
    });
    const index =
      onDemand.push({
        name,
        column: null,
        inputs,
        evaluate: compileExpr(definition.value, definitions.scope(definition)),
      }) - 1;
    onDemandIndex.set(name, index);
    return index;
  };

  columns.forEach((column, position) => {
    if (column.kind === 'feature') {
      const view = viewOf(column.wanted.view, column.wanted.version);
      viewReads[view]?.columns.push({
        feature: featureOf(view, column.wanted.feature),
        column: position,
      });
      return;
    }
    const index = addOnDemand(column.name);
    onDemand[index] = { ...(onDemand[index] as OnDemandRead), column: position };
  });
  const neededOf = (view: number): ReadonlySet<string> => {
    const { served, columns: mine } = viewReads[view] as {
      served: ServedView;
      columns: ViewRead['columns'];
    };
    const inputs = onDemand.flatMap(({ inputs: list }) =>
      list.flatMap(({ from }) =>
        from.from === 'feature' && from.view === view ? [from.feature] : [],
      ),
    );
    return new Set(
      [...mine.map(({ feature }) => feature), ...inputs].map(
        (index) => served.plan.features[index]?.name as string,
      ),
    );
  };
  const origins = (): ReadColumns => {
    const plans = viewReads.map(({ served }) => served.plan);
    return {
      keys: [...new Set(plans.flatMap(({ keys }) => keys.map(({ name }) => name)))],
      viewOf: columns.map((column) =>
        column.kind === 'feature' ? viewOf(column.wanted.view, column.wanted.version) : -1,
      ),
      types: columns.map((column): FieldType => {
        if (column.kind === 'on-demand')
          return parseFieldType(`${definitions.onDemand(column.name)?.type}?`);
        const { view, version, feature } = column.wanted;
        const index = viewOf(view, version);
        return plans[index]?.features[featureOf(index, feature)]?.type as FieldType;
      }),
    };
  };
  const readColumns = origins();
  return {
    features: nameColumns(columns),
    allPresent: columns.map(() => 'present'),
    columns: readColumns,
    floats: readColumns.types.flatMap(({ base }, column) => (base === 'float' ? [column] : [])),
    views: viewReads.map((view, index) => ({ ...view, needed: neededOf(index) })),
    stored: viewReads.some(({ served }) => served.fetch !== undefined),
    onDemand,
    request: [...request].map(([name, type]) => ({ name, type })),
  };
};

export const planOfService = (
  service: FeatureServiceDefinition,
  definitions: ReadDefinitions,
  views: ServingViews,
): ReadPlan => build(columnsOfService(service), definitions, views);

export const planOfList = (
  features: readonly string[],
  definitions: ReadDefinitions,
  views: ServingViews,
): ReadPlan => build(columnsOfList(features), definitions, views);
