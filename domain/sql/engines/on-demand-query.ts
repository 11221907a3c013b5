/** An on-demand feature as a query over a relation with a column for each of its inputs. */
import type { OnDemandFeatureDefinition } from '#domain/definitions/model.ts';
import { type Scope, typeOf } from '#domain/expressions/typecheck.ts';
import { fieldType } from '#domain/values/field-type.ts';
import type { FieldType } from '#domain/values/value.ts';
import { FLINK } from '../flink/dialect.ts';
import { functionsSql } from '../flink/java-functions.ts';
import { expressionSql } from '../print-expression.ts';
import { engineDialect } from './dialect.ts';
import { nativeColumn } from './native-column.ts';
import { comment, createSteps, stepsOver, withQuery } from './steps.ts';
import { quoted, type Syntax } from './syntax.ts';

export interface OnDemandInputs {
  readonly definition: OnDemandFeatureDefinition;
  /** parameter of `value` → its type */
  readonly inputs: Readonly<Record<string, FieldType>>;
}

const heading = ({ definition }: OnDemandInputs, title: string): readonly string[] => [
  `${definition.name}, as a query of ${title}: "inputs" stands for a relation with the columns ${Object.keys(definition.inputs).join(', ')}.`,
];

export const onDemandQuery = (syntax: Syntax, request: OnDemandInputs): string => {
  const { definition, inputs } = request;
  const dialect = engineDialect(syntax);
  const scope: Scope = { inputs };
  const steps = createSteps();
  const { bind } = steps;
  const notes = new Set<string>(syntax.notes);
  const sql = expressionSql(dialect, definition.value, scope, {
    bind,
    note: (text) => void notes.add(text),
    column: (name, type) => nativeColumn(syntax, bind, name, type),
  });
  const value = dialect.convert(
    { sql, type: typeOf(definition.value, scope) },
    fieldType(definition.type),
  );
  const { ctes, last } = stepsOver(steps, 'inputs');
  const name = quoted(syntax, definition.name);
  return [
    comment([
      ...heading(request, syntax.title),
      'Times in the result are epoch milliseconds, dates are days since 1970-01-01.',
      ...notes,
    ]),
    withQuery(ctes, `SELECT *, ${value} AS ${name} FROM ${last}`),
  ].join('');
};

/** With the functions of the Java module, which Flink's session has to register. */
export const onDemandFlinkQuery = (request: OnDemandInputs): string => {
  const { definition, inputs } = request;
  const sql = expressionSql(FLINK, definition.value, { inputs });
  const value = FLINK.convert(
    { sql, type: typeOf(definition.value, { inputs }) },
    fieldType(definition.type),
  );
  return [
    comment([
      ...heading(request, FLINK.name),
      'Times are epoch milliseconds, dates are days since 1970-01-01.',
    ]),
    ...functionsSql([value]).map((statement) => `${statement};\n`),
    `SELECT *, ${value} AS ${FLINK.identifier(definition.name)} FROM \`inputs\``,
  ].join('');
};
