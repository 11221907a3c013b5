/**
 * A view's plan as Flink SQL: a back end of the plan, like the TypeScript engine and the offline
 * join.
 *
 *   events    the source's rows that the view counts, with key, event time, log position, and each
 *             input computed once
 *   hop       SELECT … FROM events GROUP BY key, tile: the current partials of that hop
 *   updates   the union of the hops, in the schema of features.<view>
 *
 * The headers of an update carry the trace of the event that caused it, if it has one.
 *
 * A GROUP BY emits a tile's new state whenever it changes, which is what features.<view> records.
 * Every partial is a commutative monoid, so the order of events does not matter, and history and
 * log can be read in parallel. Only which events are late depends on it: see `historyMarks`.
 */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { ENTITY_ROW_HOP, slotColumns } from '#domain/encoding/features-schema.ts';
import type { Expr } from '#domain/expressions/ast.ts';
import { canonical } from '#domain/expressions/canonical.ts';
import type { Scope } from '#domain/expressions/typecheck.ts';
import type { HopGroup, ViewPlan } from '#domain/plan/plan.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import { closesTiles } from '#domain/tiles/lateness.ts';
import { parseFieldType } from '#domain/values/field-type.ts';
import { liftHop } from '../print-aggregation.ts';
import { expressionSql } from '../print-expression.ts';
import { flinkColumnType } from './columns.ts';
import type { ComputeSpec } from './compute-spec.ts';
import { FLINK } from './dialect.ts';
import { historyMarksSql, KNOWN_TIME, lateness } from './lateness.ts';
import { featuresSink } from './names.ts';
import { flinkConvert, flinkName } from './types.ts';

const DAY_MS = 86_400_000;

const breadth = (hop: HopGroup): number => (hop.hopMs === 0 ? Number.POSITIVE_INFINITY : hop.hopMs);

const tileOf = (hopMs: number, time: string): string =>
  hopMs === 0
    ? 'MR_KEEP(CAST(0 AS BIGINT))'
    : `(${time} - MOD(MOD(${time}, ${hopMs}) + ${hopMs}, ${hopMs}))`;

/**
 * A tile that no window reaches changes no current value. One extra day covers events that arrive
 * later than that.
 */
const GRACE_MS = 86_400_000;

/**
 * How long Flink keeps a tile's state after its last event. A tile stays open as long as some
 * window reaches it.
 */
const stateTtl = (plan: ViewPlan, hop: HopGroup): string =>
  hop.hopMs === 0 || hop.reachMs === Number.POSITIVE_INFINITY
    ? '0 ms'
    : `${hop.reachMs + hop.hopMs + (plan.latenessMs ?? 0) + GRACE_MS} ms`;

/** Event time in epoch ms. */
const eventTimeSql = (source: SourceDefinition): string => {
  const field = flinkName(source.eventTime);
  return parseFieldType(source.fields[source.eventTime] ?? 'timestamp').base === 'date'
    ? `(${field} * CAST(${DAY_MS} AS BIGINT))`
    : field;
};

interface Inputs {
  /** SELECT list of the computed columns */
  readonly columns: readonly string[];
  readonly nameOf: (expr: Expr) => string;
}

const scopeOf = ({ source, columns }: ComputeSpec): Scope => ({
  columns: columns ?? sourceFields(source),
});

/** Each distinct input and filter expression becomes one column. */
const inputsOf = (spec: ComputeSpec): Inputs => {
  const { plan } = spec;
  const scope = scopeOf(spec);
  const names = new Map<string, string>();
  const columns: string[] = [];
  for (const hop of plan.hops)
    for (const { input, where } of hop.partials)
      for (const expr of [input, where]) {
        if (expr === null || names.has(canonical(expr))) continue;
        const name = `x${names.size}`;
        names.set(canonical(expr), name);
        columns.push(`${expressionSql(FLINK, expr, scope)} AS ${name}`);
      }
  return { columns, nameOf: (expr) => names.get(canonical(expr)) as string };
};

/** The source's rows as expressions need them: in their types, and bytes as base64 text. */
const plainRows = ({ source, columns: types = {} }: ComputeSpec, from: string): string => {
  const fields = Object.entries(sourceFields(source));
  const columns = fields.map(([name, type]) => {
    const field = flinkName(name);
    if (type.base === 'bytes' && !type.array) return `MR_BASE64(${field}) AS ${field}`;
    const converted = flinkConvert({ sql: field, type }, types[name] ?? type);
    return converted === field ? field : `${converted} AS ${field}`;
  });
  if (!columns.some((column) => column.includes(' AS '))) return from;
  return `(SELECT ${[...columns, 'mr_partition', 'mr_offset', 'mr_log_time', 'mr_trace'].join(', ')} FROM ${from})`;
};

const eventsView = (spec: ComputeSpec): string => `events_${spec.plan.view}_g${spec.generation}`;

const eventsSql = (spec: ComputeSpec, inputs: Inputs, from: string): string => {
  const { plan, source } = spec;
  const types = sourceFields(source);
  const keys = plan.keys.map(
    ({ name, field, type }) =>
      `${flinkConvert({ sql: flinkName(field), type: types[field] ?? type }, type)} AS ${flinkName(`key_${name}`)}`,
  );
  const conditions = [
    ...plan.keys.map(({ field }) => `${flinkName(field)} IS NOT NULL`),
    ...(plan.where === null ? [] : [expressionSql(FLINK, plan.where, scopeOf(spec))]),
  ];
  const columns = [
    ...keys,
    `${eventTimeSql(source)} AS event_time`,
    'mr_partition',
    'mr_offset',
    'mr_log_time',
    'mr_trace',
    ...(source.knownTime !== undefined && closesTiles(plan)
      ? [`${flinkName(source.knownTime)} AS ${KNOWN_TIME}`]
      : []),
    ...inputs.columns,
  ];
  return `SELECT ${columns.join(',\n  ')}\nFROM ${plainRows(spec, from)}\nWHERE ${conditions.join(' AND ')}`;
};

const keyNames = (plan: ViewPlan): string[] =>
  plan.keys.map(({ name }) => flinkName(`key_${name}`));

/**
 * The columns of an update in the order of its schema. Slots that `slots` does not name belong to
 * another hop and are null.
 */
const updateColumns = (
  spec: ComputeSpec,
  newest: string,
  slots: ReadonlyMap<string, string>,
): string[] => [
  ...keyNames(spec.plan),
  '`hop_ms`',
  '`tile_start`',
  `${newest} AS \`newest_event_time\``,
  'cause.`partition` AS `cause_partition`',
  'cause.`offset` AS `cause_offset`',
  `${spec.version} AS \`version\``,
  '`generation`',
  'mark AS `watermark`',
  ...spec.plan.hops.flatMap((_, hop) => {
    const { nums, refs } = slotColumns(spec.plan, hop);
    return [...nums, ...refs].map(
      ({ name, avro }) =>
        `${slots.get(name) ?? `CAST(NULL AS ${flinkColumnType(['null', avro])})`} AS ${flinkName(name)}`,
    );
  }),
  'MR_TRACE_HEADERS(cause.`trace`) AS `headers`',
];

/**
 * The events with their tile. MR_KEEP returns its argument and hides from the planner that it is
 * constant. The sink's key then equals the grouping columns, and Flink writes a tile's new state
 * without retracting the old one.
 */
const tiled = (spec: ComputeSpec, hopMs: number, tile: string): string =>
  `(SELECT *, MR_KEEP(CAST(${hopMs} AS BIGINT)) AS hop_ms, ${tile} AS tile_start, CAST(MR_KEEP(CAST(${spec.generation} AS BIGINT)) AS INT) AS generation FROM ${eventsView(spec)}) AS e`;

const grouped = (spec: ComputeSpec): string =>
  ['hop_ms', 'tile_start', ...keyNames(spec.plan), 'generation'].join(', ');

const insertSql = (
  spec: ComputeSpec,
  outer: readonly string[],
  inner: readonly string[],
  from: string,
  ttl: string,
): string => `INSERT INTO ${featuresSink(spec.plan.view)}
SELECT ${outer.join(', ')}
FROM (
  SELECT /*+ STATE_TTL('e' = '${ttl}') */ ${grouped(spec)},
    ${inner.join(',\n    ')}
  FROM ${from}
  GROUP BY ${grouped(spec)}
)`;

const hopSql = (spec: ComputeSpec, inputs: Inputs, hop: number): string => {
  const { plan } = spec;
  const group = plan.hops[hop] as HopGroup;
  const { aggregates, slots } = liftHop(FLINK, plan, hop, ({ input, where }) => ({
    value: input === null ? null : inputs.nameOf(input),
    condition: where === null ? null : inputs.nameOf(where),
    eventTime: 'event_time',
    partition: 'mr_partition',
    offset: 'mr_offset',
  }));
  const inner = [
    'MAX(event_time) AS newest',
    'MR_LATEST(mr_partition, mr_offset, mr_trace) AS cause',
    'MAX(LEAST(event_time, mr_log_time)) AS mark',
    ...aggregates,
  ];
  const from = tiled(spec, group.hopMs, tileOf(group.hopMs, 'event_time'));
  return insertSql(spec, updateColumns(spec, 'newest', slots), inner, from, stateTtl(plan, group));
};

/**
 * One row for each entity: the start of its newest tile of the widest hop. It changes once per
 * tile, not per event, so it costs little. A reader by key uses it to decide whether the entity
 * exists and how old its newest event is.
 */
const entitySql = (spec: ComputeSpec): string | null => {
  const { plan } = spec;
  const widest = plan.hops.reduce((a, b) => (breadth(a) >= breadth(b) ? a : b));
  if (widest.hopMs === 0) return null;
  const inner = [
    `MAX(${tileOf(widest.hopMs, 'event_time')}) AS newest`,
    'MR_LATEST(-1, CAST(-1 AS BIGINT), CAST(NULL AS STRING)) AS cause',
    'CAST(0 AS BIGINT) AS mark',
  ];
  const from = tiled(spec, ENTITY_ROW_HOP, 'MR_KEEP(CAST(0 AS BIGINT))');
  return insertSql(spec, updateColumns(spec, 'newest', new Map()), inner, from, '0 ms');
};

interface ComputeSql {
  /** CREATE VIEW statements of the counted events; each reads the one before */
  readonly views: readonly string[];
  /** one INSERT for each hop, one for the entities, and one for late events */
  readonly inserts: readonly string[];
}

/**
 * The statements of a compute job.
 * @param from a table or a query with the source's fields and mr_partition, mr_offset, mr_log_time,
 * mr_trace
 */
export const computeSql = (spec: ComputeSpec, from: string): ComputeSql => {
  const inputs = inputsOf(spec);
  const hops = spec.plan.hops.map((_, hop) => hopSql(spec, inputs, hop));
  const entity = entitySql(spec);
  const events = eventsSql(spec, inputs, from);
  const inserts = entity === null ? hops : [...hops, entity];
  const name = eventsView(spec);
  if (!closesTiles(spec.plan))
    return { views: [`CREATE TEMPORARY VIEW ${name} AS\n${events}`], inserts };
  const { marked, kept, late } = lateness(spec, events, name);
  return { views: [marked, kept], inserts: [...inserts, late] };
};

/**
 * The watermark of each partition over the events of the history: a query of two columns. History
 * and log are read in parallel, and what is late goes by the order of the log; null: nothing is.
 * @param from a query of the history, as of `computeSql`
 */
export const historyMarks = (spec: ComputeSpec, from: string): string | null =>
  closesTiles(spec.plan) ? historyMarksSql(spec, eventsSql(spec, inputsOf(spec), from)) : null;

export const statementSet = (inserts: readonly string[]): string =>
  `EXECUTE STATEMENT SET BEGIN\n${inserts.join(';\n')};\nEND`;
