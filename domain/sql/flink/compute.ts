/**
 * A view's plan as Flink SQL: the third back end of one plan, beside the TypeScript engine and the
 * offline join.
 *
 *   events the source's rows that the view counts, with key, event time, place in the log, and
 *   every input computed once
 *   a hop SELECT … FROM events GROUP BY key, tile: the partials of that hop, as they now stand
 *   updates the hops under each other, in the one form of features.<view>
 *
 * An update's headers carry the trace of the event that caused it, where that has one.
 *
 * A GROUP BY emits a tile's new state whenever it changes: just what features.<view> holds. Order
 * does not matter to it, since every partial is a commutative monoid: history and log can be read
 * side by side.
 */
import type { FeatureViewDefinition, SourceDefinition } from '#domain/definitions/model.ts';
import { slotColumns } from '#domain/encoding/features-schema.ts';
import type { Expr } from '#domain/expressions/ast.ts';
import { canonical } from '#domain/expressions/canonical.ts';
import type { HopGroup, ViewPlan } from '#domain/plan/plan.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import { flinkSql } from '#domain/sql/flink/expression.ts';
import { flinkName } from '#domain/sql/flink/types.ts';
import { parseFieldType } from '#domain/values/field-type.ts';
import { flinkColumnType } from './columns.ts';
import { closesTiles, lateness } from './lateness.ts';
import { ENTITY_ROW_HOP, featuresSink } from '#infra/flink/sql/names.ts';

export interface ComputeSpec {
  readonly plan: ViewPlan;
  readonly view: FeatureViewDefinition;
  readonly source: SourceDefinition;
  readonly version: number;
  readonly generation: number;
  /**
   * by partition, the raw offsets at which the generation's life began: below, nothing is late ("a
   * replay takes it in")
   */
  readonly past?: readonly number[];
}

const DAY_MS = 86_400_000;

const breadth = (hop: HopGroup): number => (hop.hopMs === 0 ? Number.POSITIVE_INFINITY : hop.hopMs);

const tileOf = (hopMs: number, time: string): string =>
  hopMs === 0
    ? 'MR_KEEP(CAST(0 AS BIGINT))'
    : `(${time} - MOD(MOD(${time}, ${hopMs}) + ${hopMs}, ${hopMs}))`;

/**
 * A tile that no window reaches any more changes no present value; a day's grace for events that
 * come late all the same.
 */
const GRACE_MS = 86_400_000;

/**
 * How long a tile's state is kept after its last event: an hour-old tile of a week's window is
 * still open.
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

/** Each input and filter once, as a column: equal expressions are one. */
const inputsOf = ({ plan, source }: ComputeSpec): Inputs => {
  const scope = { columns: sourceFields(source) };
  const names = new Map<string, string>();
  const columns: string[] = [];
  for (const hop of plan.hops)
    for (const { input, where } of hop.partials)
      for (const expr of [input, where]) {
        if (expr === null || names.has(canonical(expr))) continue;
        const name = `x${names.size}`;
        names.set(canonical(expr), name);
        columns.push(`${flinkSql(expr, scope)} AS ${name}`);
      }
  return { columns, nameOf: (expr) => names.get(canonical(expr)) as string };
};

/** The source's rows as expressions see them: bytes as base64 text. */
const plainRows = (source: SourceDefinition, from: string): string => {
  const fields = Object.entries(sourceFields(source));
  if (!fields.some(([, type]) => type.base === 'bytes')) return from;
  const columns = fields.map(([name, type]) =>
    type.base === 'bytes' && !type.array
      ? `MR_BASE64(${flinkName(name)}) AS ${flinkName(name)}`
      : flinkName(name),
  );
  return `(SELECT ${[...columns, 'mr_partition', 'mr_offset', 'mr_log_time', 'mr_trace'].join(', ')} FROM ${from})`;
};

const eventsView = (spec: ComputeSpec): string => `events_${spec.plan.view}_g${spec.generation}`;

const eventsSql = (spec: ComputeSpec, inputs: Inputs, from: string): string => {
  const { plan, view, source } = spec;
  const keys = plan.keys.map(
    ({ name, field }) => `${flinkName(field)} AS ${flinkName(`key_${name}`)}`,
  );
  const conditions = [
    ...plan.keys.map(({ field }) => `${flinkName(field)} IS NOT NULL`),
    ...(view.where === undefined ? [] : [flinkSql(view.where, { columns: sourceFields(source) })]),
  ];
  const columns = [
    ...keys,
    `${eventTimeSql(source)} AS event_time`,
    'mr_partition',
    'mr_offset',
    'mr_log_time',
    'mr_trace',
    ...inputs.columns,
  ];
  return `SELECT ${columns.join(',\n  ')}\nFROM ${plainRows(source, from)}\nWHERE ${conditions.join(' AND ')}`;
};

const keyNames = (plan: ViewPlan): string[] =>
  plan.keys.map(({ name }) => flinkName(`key_${name}`));

/**
 * The columns of an update, in the order of its schema, from those given by name; null where a slot
 * is another hop's.
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
 * The events with the tile that they fall into. MR_KEEP gives back its argument and hides that it
 * is constant: the sink's key is then just the columns grouped by, and Flink writes a tile's new
 * state without first taking back the old one.
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
  const aggregates: string[] = [];
  const slots = new Map<string, string>();
  const names = slotColumns(plan, hop);
  let num = 0;
  let ref = 0;
  for (const { partial, input, where } of group.partials) {
    const condition = where === null ? null : inputs.nameOf(where);
    const made = partial.flink({
      value: input === null ? null : inputs.nameOf(input),
      filter: condition === null ? '' : ` FILTER (WHERE ${condition})`,
      condition,
      eventTime: 'event_time',
      partition: 'mr_partition',
      offset: 'mr_offset',
    });
    const columns = made.aggregates.map((sql) => {
      const name = `a${aggregates.length}`;
      aggregates.push(`${sql} AS ${name}`);
      return name;
    });
    made.slots(columns).forEach((sql, i) => {
      const column = i < partial.nums.length ? names.nums[num++] : names.refs[ref++];
      slots.set((column as { readonly name: string }).name, sql);
    });
  }
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
 * One row an entity: where its newest tile of the widest hop is. Its value moves once a tile, not
 * once an event, so it costs little; a reader by key learns from it whether there is such an
 * entity, and how long ago it was last seen.
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

export interface ComputeSql {
  /** the views of the counted events, each made from the one before */
  readonly views: readonly string[];
  /** one INSERT a hop, one for the entities, and one for what came late */
  readonly inserts: readonly string[];
}

/**
 * What a compute job runs; `from` is a table or a query with the source's fields and mr_partition,
 * mr_offset, mr_log_time, mr_trace.
 */
export const computeSql = (spec: ComputeSpec, from: string): ComputeSql => {
  const inputs = inputsOf(spec);
  const hops = spec.plan.hops.map((_, hop) => hopSql(spec, inputs, hop));
  const entity = entitySql(spec);
  const events = eventsSql(spec, inputs, from);
  const inserts = entity === null ? hops : [...hops, entity];
  const name = eventsView(spec);
  if (!closesTiles(spec))
    return { views: [`CREATE TEMPORARY VIEW ${name} AS\n${events}`], inserts };
  const { marked, kept, late } = lateness(spec, events, name);
  return { views: [marked, kept], inserts: [...inserts, late] };
};

export const statementSet = (inserts: readonly string[]): string =>
  `EXECUTE STATEMENT SET BEGIN\n${inserts.join(';\n')};\nEND`;
