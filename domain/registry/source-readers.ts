/** What the revision of a source does to the definitions over it. */
import { checkDefinition, type Lookups } from '#domain/definitions/check.ts';
import {
  DEFAULT_NAMESPACE,
  type Definition,
  type FeatureViewDefinition,
  type SourceDefinition,
} from '#domain/definitions/model.ts';
import { messageOf } from '#domain/error-message.ts';
import { formatExpr } from '#domain/expressions/format.ts';
import { differsWhenWidened } from '#domain/expressions/whole-range.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import type { SourceReaders } from './change.ts';
import { streamOf } from './events.ts';

const namespaceOf = ({ namespace }: Definition): string => namespace ?? DEFAULT_NAMESPACE;

/** Look-ups in which the source is this one. */
export type LookupsWith = (source: SourceDefinition) => Lookups;

const problemsOf = (definition: Definition, lookups: Lookups): readonly string[] => {
  const problems = checkDefinition(definition, lookups).map(({ message }) => message);
  if (problems.length > 0 || definition.kind !== 'feature-view') return problems;
  const [source, entity] = [lookups.source(definition.source), lookups.entity(definition.entity)];
  try {
    if (source !== undefined && entity !== undefined) planView(definition, source, entity);
    return [];
  } catch (error) {
    return [`feature view ${definition.name}: ${messageOf(error)}`];
  }
};

const differs = (
  view: FeatureViewDefinition,
  before: SourceDefinition,
  after: SourceDefinition,
): string | null => {
  const [was, is] = [{ columns: sourceFields(before) }, { columns: sourceFields(after) }];
  const expressions = [
    view.where ?? null,
    ...Object.values(view.features).flatMap(({ input, where }) => [input, where ?? null]),
  ];
  for (const expr of expressions) {
    const found = expr === null ? null : differsWhenWidened(expr, was, is);
    if (found !== null) return formatExpr(found);
  }
  return null;
};

/**
 * @param definitions those that may read the source: every registered one, and of each view the
 * version that computes now
 */
export const sourceReaders = (
  before: SourceDefinition,
  definitions: readonly Definition[],
  lookupsWith: LookupsWith,
): SourceReaders => {
  const known = lookupsWith(before);
  const views = definitions.filter(
    (definition): definition is FeatureViewDefinition =>
      definition.kind === 'feature-view' && definition.source === before.name,
  );
  const onDemand = definitions.filter(({ kind }) => kind === 'on-demand-feature');
  return {
    unfit(after) {
      const lookups = lookupsWith(after);
      const found = [...views, ...onDemand].flatMap((definition) => {
        const now = problemsOf(definition, lookups);
        if (now.length === 0) return [];
        const already = new Set(problemsOf(definition, known));
        const added = now.filter((problem) => !already.has(problem));
        const reader = streamOf(definition.kind, definition.name);
        // The author of a source may not read what others compute from it.
        const texts =
          namespaceOf(definition) === namespaceOf(before)
            ? added
            : added.slice(0, 1).map(() => `${reader} does not fit it any more`);
        return texts.map((problem) => ({ reader, problem }));
      });
      // Two versions of a view may have the same problem.
      return [...new Map(found.map((one) => [one.problem, one])).values()];
    },
    recomputed: (after) =>
      views.flatMap((view) => {
        try {
          const expression = differs(view, before, after);
          return expression === null ? [] : [{ view: streamOf(view.kind, view.name), expression }];
        } catch {
          return []; // it does not fit, which `unfit` says
        }
      }),
  };
};
