/** What a registered definition computes, in the SQL of an engine. */
import type { CatalogEntry } from '#domain/api/registry.ts';
import type {
  Definition,
  EntityDefinition,
  FeatureViewDefinition,
  Kind,
  OnDemandFeatureDefinition,
  OnDemandInput,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import { onDemandFlinkQuery, onDemandQuery } from '#domain/sql/engines/on-demand-query.ts';
import type { Syntax } from '#domain/sql/engines/syntax.ts';
import { SYNTAXES } from '#domain/sql/engines/syntaxes.ts';
import { viewQuery } from '#domain/sql/engines/view-query.ts';
import { suggestion } from '#domain/values/did-you-mean.ts';
import { fieldType, parseFieldType } from '#domain/values/field-type.ts';
import type { FieldType } from '#domain/values/value.ts';

export type Show = (kind: Kind, name: string) => Promise<CatalogEntry>;

const FLINK = 'flink';
export const SQL_DIALECTS: readonly string[] = [...SYNTAXES.map(({ name }) => name), FLINK];

/** Null: Flink, whose SQL the entry of a view has. */
const syntaxOf = (dialect: string): Syntax | null => {
  if (dialect === FLINK) return null;
  return (
    SYNTAXES.find(({ name }) => name === dialect) ??
    fail(
      'MR_PARAMETER_INVALID',
      `sql: there is no dialect ${JSON.stringify(dialect)}${suggestion(dialect, SQL_DIALECTS)}; the dialects are ${SQL_DIALECTS.join(', ')}`,
      { parameter: 'sql' },
    )
  );
};

const definitionOf = async <D extends Definition>(
  show: Show,
  kind: Kind,
  name: string,
): Promise<D> => (await show(kind, name)).definition as D;

const inputType = async (show: Show, input: OnDemandInput): Promise<FieldType> => {
  switch (input.from) {
    case 'request':
      return { ...parseFieldType(input.type), nullable: true };
    case 'on-demand': {
      const other = await definitionOf<OnDemandFeatureDefinition>(
        show,
        'on-demand-feature',
        input.name,
      );
      return fieldType(other.type, true);
    }
    case 'feature': {
      const { features = [] } = await show('feature-view', input.view);
      const found = features.find(({ name }) => name === input.feature);
      return found === undefined
        ? fail('MR_NOT_FOUND', `${input.view} has no feature "${input.feature}"`, {
            name: input.feature,
          })
        : parseFieldType(found.type);
    }
  }
};

/**
 * @param show the registry's, with the rights of the caller
 * @throws MR_PARAMETER_INVALID where there is no such dialect, MR_REFUSED where the definition has
 * nothing that SQL computes
 */
export const entrySql = async (
  entry: CatalogEntry,
  dialect: string,
  show: Show,
): Promise<string> => {
  const syntax = syntaxOf(dialect);
  const { kind, name } = entry;
  if (kind === 'feature-view') {
    if (syntax !== null) {
      const view = entry.definition as FeatureViewDefinition;
      const source = await definitionOf<SourceDefinition>(show, 'source', view.source);
      const entity = await definitionOf<EntityDefinition>(show, 'entity', view.entity);
      return viewQuery(syntax, { view, source, entity });
    }
    if (entry.sql !== undefined) return entry.sql;
  }
  if (kind === 'on-demand-feature') {
    const definition = entry.definition as OnDemandFeatureDefinition;
    const inputs = Object.fromEntries(
      await Promise.all(
        Object.entries(definition.inputs).map(
          async ([parameter, input]) => [parameter, await inputType(show, input)] as const,
        ),
      ),
    );
    const request = { definition, inputs };
    return syntax === null ? onDemandFlinkQuery(request) : onDemandQuery(syntax, request);
  }
  return fail(
    'MR_REFUSED',
    `${kind} "${name}" is not computed by SQL: it is for feature views and on-demand features`,
    { name },
  );
};
