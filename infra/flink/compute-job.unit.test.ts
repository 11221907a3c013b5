/**
 * The exact SQL of a small view, as `millrace show VIEW --sql` prints it. A change of it changes
 * running jobs.
 */
import { expect, test } from 'vitest';
import {
  avg,
  col,
  count,
  entity,
  featureView,
  last,
  min,
  source,
} from '#domain/definitions/index.ts';
import type {
  EntityDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import { parseDefinition } from '#domain/definitions/parse.ts';
import { planView } from '#domain/plan/plan-view.ts';
import { computeSql, historyMarks } from '#domain/sql/flink/compute.ts';
import { functionsSql } from '#domain/sql/flink/java-functions.ts';
import { readTypes } from '#domain/sql/flink/read-types.ts';
import { isWhole } from '#domain/values/field-type.ts';
import type { FieldType } from '#domain/values/value.ts';
import { computeIdentity, shownSql } from '#infra/flink/compute-job.ts';
import { CHANGES } from '#tests/revisions/changes.ts';

const airport = entity({ name: 'airport', keys: { origin: 'string' } });
const flights = source({
  name: 'flights',
  fields: { date: 'timestamp', origin: 'string', delay: 'double?' },
  eventTime: 'date',
});
const parsed = <T>(definition: unknown): T =>
  parseDefinition(JSON.parse(JSON.stringify(definition))) as T;

const specOf = (lateness?: '10m') => {
  const view = parsed<FeatureViewDefinition>(
    featureView({
      name: 'delays',
      entity: airport,
      source: flights,
      where: col('delay').gt(-60),
      ...(lateness === undefined ? {} : { lateness }),
      features: {
        late: count({ window: '1h', hop: '5m', where: col('delay').gt(15) }),
        mean: avg(col('delay'), { window: '1h', hop: '5m' }),
      },
    }),
  );
  const from = parsed<SourceDefinition>(flights);
  return {
    view,
    source: from,
    plan: planView(view, from, parsed<EntityDefinition>(airport)),
    version: 3,
    generation: 2,
  };
};

test('each hop is one GROUP BY, and each entity has a row', () => {
  const { plan, view, source: from, version } = specOf();
  expect(shownSql(plan, view, from, version)).toMatchInlineSnapshot(`
    "CREATE TEMPORARY VIEW events_delays_g1 AS
    SELECT \`origin\` AS \`key_origin\`,
      \`date\` AS event_time,
      mr_partition,
      mr_offset,
      mr_log_time,
      mr_trace,
      (\`delay\` > CAST(CAST(15 AS INT) AS DOUBLE)) AS x0,
      \`delay\` AS x1
    FROM raw_flights
    WHERE \`origin\` IS NOT NULL AND (\`delay\` > CAST(CAST(-60 AS INT) AS DOUBLE));

    INSERT INTO features_delays
    SELECT \`key_origin\`, \`hop_ms\`, \`tile_start\`, newest AS \`newest_event_time\`, cause.\`partition\` AS \`cause_partition\`, cause.\`offset\` AS \`cause_offset\`, 3 AS \`version\`, \`generation\`, mark AS \`watermark\`, a0 AS \`p_2024fc01__n\`, COALESCE(a1.hi, 0e0) AS \`p_84afdba7__hi\`, COALESCE(a1.lo, 0e0) AS \`p_84afdba7__lo\`, a2 AS \`p_e13c2443__n\`, MR_TRACE_HEADERS(cause.\`trace\`) AS \`headers\`
    FROM (
      SELECT /*+ STATE_TTL('e' = '90300000 ms') */ hop_ms, tile_start, \`key_origin\`, generation,
        MAX(event_time) AS newest,
        MR_LATEST(mr_partition, mr_offset, mr_trace) AS cause,
        MAX(LEAST(event_time, mr_log_time)) AS mark,
        COUNT(*) FILTER (WHERE x0) AS a0,
        MR_SUM(CAST(x1 AS DOUBLE)) AS a1,
        COUNT(x1) AS a2
      FROM (SELECT *, MR_KEEP(CAST(300000 AS BIGINT)) AS hop_ms, (event_time - MOD(MOD(event_time, 300000) + 300000, 300000)) AS tile_start, CAST(MR_KEEP(CAST(1 AS BIGINT)) AS INT) AS generation FROM events_delays_g1) AS e
      GROUP BY hop_ms, tile_start, \`key_origin\`, generation
    );

    INSERT INTO features_delays
    SELECT \`key_origin\`, \`hop_ms\`, \`tile_start\`, newest AS \`newest_event_time\`, cause.\`partition\` AS \`cause_partition\`, cause.\`offset\` AS \`cause_offset\`, 3 AS \`version\`, \`generation\`, mark AS \`watermark\`, CAST(NULL AS BIGINT) AS \`p_2024fc01__n\`, CAST(NULL AS DOUBLE) AS \`p_84afdba7__hi\`, CAST(NULL AS DOUBLE) AS \`p_84afdba7__lo\`, CAST(NULL AS BIGINT) AS \`p_e13c2443__n\`, MR_TRACE_HEADERS(cause.\`trace\`) AS \`headers\`
    FROM (
      SELECT /*+ STATE_TTL('e' = '0 ms') */ hop_ms, tile_start, \`key_origin\`, generation,
        MAX((event_time - MOD(MOD(event_time, 300000) + 300000, 300000))) AS newest,
        MR_LATEST(-1, CAST(-1 AS BIGINT), CAST(NULL AS STRING)) AS cause,
        CAST(0 AS BIGINT) AS mark
      FROM (SELECT *, MR_KEEP(CAST(-1 AS BIGINT)) AS hop_ms, MR_KEEP(CAST(0 AS BIGINT)) AS tile_start, CAST(MR_KEEP(CAST(1 AS BIGINT)) AS INT) AS generation FROM events_delays_g1) AS e
      GROUP BY hop_ms, tile_start, \`key_origin\`, generation
    );
    "
  `);
});

test('a lateness splits the events by their partition’s watermark, and reports late events', () => {
  const { views, inserts } = computeSql({ ...specOf('10m'), past: [7, 0] }, 'raw_flights');
  expect(views[0]).toMatch(/OVER \(\s+PARTITION BY mr_partition ORDER BY mr_proctime/);
  expect(views[1]).toMatch(
    /WHERE NOT \(.* < mr_mark AND NOT \(\(mr_partition = 0 AND mr_offset < 7\)\)\)$/,
  );
  expect(inserts.at(-1)).toMatch(/^INSERT INTO late_delays\nSELECT `key_origin`, event_time/);
});

test('history and log are read side by side: the watermark begins at that of the history', () => {
  const { views } = computeSql({ ...specOf('10m'), marks: [1_000, null] }, 'raw_flights');
  expect(views[0]).toMatch(
    /GREATEST\(MAX\(LEAST\(event_time, mr_log_time\)\) OVER \([^)]*\), CASE mr_partition WHEN 0 THEN CAST\(1000 AS BIGINT\) ELSE CAST\(-8640000000000000 AS BIGINT\) END\) AS mr_mark/,
  );
  const none = computeSql({ ...specOf('10m'), marks: [null] }, 'raw_flights').views;
  expect(none).toEqual(computeSql(specOf('10m'), 'raw_flights').views);
  expect(historyMarks(specOf(), '(history)'), 'nothing is late').toBe(null);
  expect(historyMarks(specOf('10m'), '(history)')).toMatchInlineSnapshot(`
    "SELECT CAST(mr_partition AS STRING), CAST(MAX(LEAST(event_time, mr_log_time)) AS STRING)
    FROM (SELECT \`origin\` AS \`key_origin\`,
      \`date\` AS event_time,
      mr_partition,
      mr_offset,
      mr_log_time,
      mr_trace,
      (\`delay\` > CAST(CAST(15 AS INT) AS DOUBLE)) AS x0,
      \`delay\` AS x1
    FROM (history)
    WHERE \`origin\` IS NOT NULL AND (\`delay\` > CAST(CAST(-60 AS INT) AS DOUBLE))) GROUP BY mr_partition"
  `);
});

test('an imported event is never late, and its known time stands in for its log time', () => {
  const spec = specOf('10m');
  const source = {
    ...spec.source,
    fields: { ...spec.source.fields, known_at: 'timestamp?' },
    knownTime: 'known_at',
  };
  const { views } = computeSql({ ...spec, source }, 'raw_flights');
  expect(views[0]).toContain('`known_at` AS mr_known_time');
  expect(views[0]).toContain('MAX(LEAST(event_time, COALESCE(mr_known_time, mr_log_time)))');
  expect(views[1]).toMatch(/WHERE NOT \(.* < mr_mark AND mr_known_time IS NULL\)$/);
  expect(computeSql({ ...specOf(), source }, 'raw_flights').views[0]).not.toContain(
    'mr_known_time',
  );
});

test('a job’s identity depends on what it computes, not on the version’s number or on its start', () => {
  const spec = specOf('10m');
  expect(computeIdentity({ ...spec, version: 9, past: [1] })).toEqual(computeIdentity(spec));
  expect(computeIdentity({ ...spec, generation: 3 })).not.toEqual(computeIdentity(spec));
  expect(computeIdentity(specOf())).not.toEqual(computeIdentity(spec));
});

test.each(CHANGES.map((change) => [change.name, change] as const))(
  'the job of a view keeps its state when its source is revised: %s',
  (_, { before, revisions, definitions: { view, entity: keyed } }) => {
    const from = parsed<FeatureViewDefinition>(view);
    const [first, ...later] = [before, ...revisions].map((each) => {
      const is = parsed<SourceDefinition>(each);
      const plan = planView(from, is, parsed<EntityDefinition>(keyed));
      const identity = computeIdentity({
        plan,
        view: from,
        version: 1,
        generation: 1,
        ...readTypes(is, from, plan),
      });
      return { whole: isWhole(plan.features[3]?.type as FieldType), ...identity };
    });
    for (const { whole, state, statements } of later) {
      expect(state).toBe(first?.state);
      // `v + 1` is null where a whole result is too large: only then does the width matter.
      if (whole === first?.whole) expect(statements).toBe(first.statements);
      else expect(statements).not.toBe(first?.statements);
    }
  },
);

test('a job reads numbers as doubles, keys as their entity has them, and nothing that it does not use', () => {
  const from = parsed<SourceDefinition>(
    source({
      name: 'typed',
      fields: {
        unused: 'string',
        small: 'int',
        real: 'float?',
        text: 'string',
        raw: 'bytes',
        at: 'timestamp',
        id: 'int',
      },
      eventTime: 'at',
    }),
  );
  const viewOf = (features: object): FeatureViewDefinition =>
    parsed(
      featureView({
        name: 'typed',
        entity: entity({ name: 'numbered', keys: { id: 'long' } }),
        source: from as never,
        features: features as never,
      }),
    );
  const readBy = (features: object): object => {
    const view = viewOf(features);
    const keyed = parsed<EntityDefinition>(entity({ name: 'numbered', keys: { id: 'long' } }));
    const read = readTypes(from, view, planView(view, from, keyed));
    return { fields: read.source.fields, small: read.columns.small?.base };
  };
  const fields = { at: 'timestamp', id: 'long?', small: 'double?', text: 'string?' };
  expect(readBy({ least: min(col('small')), text: last(col('text')) })).toEqual({
    fields,
    small: 'double',
  });
  // A start is a whole number, and a product of whole numbers may be too large.
  for (const input of [col('text').substring(col('small')), col('small').times(col('small'))])
    expect(readBy({ x: last(input), text: last(col('text')) })).toEqual({ fields, small: 'long' });
});

test('only the functions in use are created', () => {
  const { views, inserts } = computeSql(specOf(), 'raw_flights');
  expect(functionsSql([...views, ...inserts])).toEqual([
    "CREATE TEMPORARY SYSTEM FUNCTION MR_KEEP AS 'io.millrace.flink.functions.Keep'",
    "CREATE TEMPORARY SYSTEM FUNCTION MR_LATEST AS 'io.millrace.flink.Latest'",
    "CREATE TEMPORARY SYSTEM FUNCTION MR_SUM AS 'io.millrace.flink.ExactSum'",
    "CREATE TEMPORARY SYSTEM FUNCTION MR_TRACE_HEADERS AS 'io.millrace.flink.functions.TraceHeaders'",
  ]);
});
