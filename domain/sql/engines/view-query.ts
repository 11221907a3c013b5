/**
 * A feature view as one query: the values of every entity at one time, from the table of its
 * source's events.
 *
 *   moment → bounds → source_rows → step_1 … → events → values
 *
 * `moment` has the time, and `bounds` where each window begins then. The steps name values that are
 * used several times (steps.ts). `events` has a row for each event that counts, and for each
 * feature its input, null where the event is not in the window or does not pass the feature's
 * filter.
 *
 * The events that count are those of event-time mode: all up to the time, whenever they arrived.
 */
import type {
  EntityDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import type { ViewPlan } from '#domain/plan/plan.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import type { FieldType } from '#domain/values/value.ts';
import { expressionSql } from '../print-expression.ts';
import { createBounds } from './bounds.ts';
import { engineDialect } from './dialect.ts';
import {
  type FeatureSql,
  featureSql,
  inputColumn,
  ORDER,
  type ViewPrinting,
} from './feature-sql.ts';
import { nativeColumn } from './native-column.ts';
import { type Cte, comment, createSteps, listed, stepsOver, withQuery } from './steps.ts';
import { quoted, type Syntax } from './syntax.ts';

export interface ViewDefinitions {
  readonly view: FeatureViewDefinition;
  readonly source: SourceDefinition;
  readonly entity: EntityDefinition;
}

const heading = (
  { title }: Syntax,
  plan: ViewPlan,
  features: readonly FeatureSql[],
  notes: Iterable<string>,
): string =>
  comment([
    `${plan.view}, as a query of ${title}: the values of every entity at the time of "moment".`,
    'Every event up to then counts, whenever it arrived, as in event-time mode.',
    'Times are epoch milliseconds, dates are days since 1970-01-01.',
    ...(plan.ttlMs === null ? [] : ['Entities whose values have expired are left out.']),
    ...notes,
    ...features.flatMap(({ feature, input, value }) => {
      if (typeof value === 'string') return [];
      const has = input === null ? '' : ` Its input is __in_${feature} of events.`;
      return [`Not expressed: ${feature}: ${value.notSupported}.${has}`];
    }),
  ]);

/** @param keys quoted names */
const valuesQuery = (
  syntax: Syntax,
  { ttlMs }: ViewPlan,
  keys: readonly string[],
  features: readonly FeatureSql[],
): string => {
  const values = features.flatMap(({ feature, value }) =>
    typeof value === 'string' ? [`${value} AS ${quoted(syntax, feature)}`] : [],
  );
  return values.length === 0
    ? 'SELECT * FROM events'
    : [
        'SELECT',
        ...listed([...keys, ...values]),
        'FROM events',
        `GROUP BY ${keys.join(', ')}`,
        ...(ttlMs === null ? [] : [`HAVING MAX(__time) >= MIN(__at) - ${ttlMs}`]),
      ].join('\n');
};

export const viewQuery = (syntax: Syntax, { view, source, entity }: ViewDefinitions): string => {
  const plan = planView(view, source, entity);
  const dialect = engineDialect(syntax);
  const fields = sourceFields(source);
  const scope = { columns: fields };
  const steps = createSteps();
  const bounds = createBounds(plan, syntax);
  const notes = new Set(syntax.notes);
  const note = (text: string): void => void notes.add(text);
  const { bind } = steps;
  const column = (name: string, type: FieldType): string => nativeColumn(syntax, bind, name, type);
  const apart = syntax.namesHide ? bind : (sql: string): string => sql;
  const table = syntax.events(
    source.name,
    new Set(Object.keys(fields).map((name) => name.toLowerCase())),
  );

  const time = bind(column(source.eventTime, fields[source.eventTime] as FieldType));
  const printing: ViewPrinting = {
    syntax,
    view,
    plan,
    scope,
    bounds,
    time,
    apart,
    note,
    print: (expr) => expressionSql(dialect, expr, scope, { bind, note, column }),
    check: (expr) => void expressionSql(dialect, expr, scope),
  };
  const keys = plan.keys.map(({ name, field, type }) => ({
    name: quoted(syntax, name),
    sql: apart(column(field, type)),
  }));
  const filter = plan.where === null ? [] : [printing.print(plan.where)];
  const features = plan.features.map((feature) => featureSql(printing, feature));
  const [byTime, ...byPlace] = ORDER;
  const columns = [
    ...keys.map(({ name, sql }) => `${sql} AS ${name}`),
    `${time} AS ${byTime}`,
    ...byPlace.map((name, i) => `${apart(i === 0 ? table.partition : table.offset)} AS ${name}`),
    '__at',
    ...features.flatMap(({ feature, input }) =>
      input === null ? [] : [`${input} AS ${inputColumn(syntax, feature)}`],
    ),
  ];
  const conditions = [`${time} <= __at`, ...keys.map(({ sql }) => `${sql} IS NOT NULL`), ...filter];
  const { ctes, last } = stepsOver(steps, 'source_rows');
  const events: Cte = {
    name: 'events',
    lines: [
      'SELECT',
      ...listed(columns),
      `FROM ${last}`,
      ...conditions.map((condition, i) => `${i === 0 ? 'WHERE' : '  AND'} ${condition}`),
    ],
  };
  const query = withQuery(
    [
      { name: 'moment', lines: [`SELECT ${syntax.now} AS __at`] },
      {
        name: 'bounds',
        lines: ['SELECT', ...listed(['__at', ...bounds.columns()]), 'FROM moment'],
      },
      { name: 'source_rows', lines: [`SELECT * FROM ${table.table} CROSS JOIN bounds`] },
      ...ctes,
      events,
    ],
    valuesQuery(
      syntax,
      plan,
      keys.map(({ name }) => name),
      features,
    ),
  );
  return `${heading(syntax, plan, features, notes)}${query}`;
};
