/**
 * Writes docs/guides/definitions.md from the code: `node scripts/generate/definitions-page.ts`. A
 * test compares the page with the code.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { LEAST_TILES, MAX_TILES } from '#domain/plan/hop.ts';
import { aggregationsTable, missingTable, parametersTable } from './definitions/aggregations.ts';
import { castsTable, methodsTable } from './definitions/expressions.ts';
import { buildersSection, featureOptionsTable } from './definitions/options.ts';
import { hopsTable, limitsTable, statusTable, typesTable } from './definitions/reference.ts';
import { numberText } from './definitions/table.ts';

export const DEFINITIONS_PAGE = fileURLToPath(
  new URL('../../docs/guides/definitions.md', import.meta.url),
);

const INTRODUCTION = `# Definitions: the reference

This page is generated from the code (\`node scripts/generate/definitions-page.ts\`), and a test
compares the two. It lists every builder, option, type, aggregation and function, with defaults and
limits. [\`examples/flights/features.ts\`](../../examples/flights/features.ts) has each kind of
definition; [Getting started](getting-started.md) explains them.

Definitions import from \`millrace\`. \`millrace plan FILE\` checks them, \`millrace apply FILE\`
registers them, and \`millrace show NAME\` shows one: its types, its windows with their hops, and
what it computes.
`;

const DIMENSIONS = `## Dimensions

A source with \`dimension\` has the rows of a table that changes, such as customers. An event is the
state of its key from its event time on. No events need to be invented.

<!-- from tests/e2e/dimension-sources.e2e.test.ts#dimension -->
\`\`\`ts
const customers = source({
  name: 'customers',
  fields: { id: 'int', at: 'timestamp', gone: 'boolean?', tier: 'string?', since: 'timestamp?' },
  eventTime: 'at',
  dimension: { key: ['id'], deleted: 'gone' },
});
\`\`\`

- **Nulls overwrite.** \`last\` and \`first\` keep nulls, unless \`{ nulls: 'skip' }\` is given. Over
  other sources they skip nulls, unless \`{ nulls: 'keep' }\` is given.
- **A tombstone is an event in which \`deleted\` is true.** From its time on, the entity has the
  values of an unknown one, with the status \`not-found\`, and a batch leaves it out. A later row
  brings it back. Features never aggregate tombstones.
- **The newest event decides**, by event time and then by position in the log. Events of a key have
  one partition: \`partitionBy\` is the key.
- **The filter of a view chooses rows of the table.** An entity whose newest row does not pass is
  \`not-found\`, too.
- The key fields of the source are the keys of the view's entity. All other fields but the event
  time are nullable, because a tombstone has no value for them.
- A rollup cannot be made on the stack, because no tile has whether an entity existed at a past
  time.

Rows come [as events, in snapshots or as change records](producer.md#rows-of-a-table).
`;

const TYPES = `## Field types

A type followed by \`?\` may be null: \`double?\`. \`array<T>\` is a list of one of these types. The
items of a list are never null. What each type accepts from JSON is strict: \`"5"\` is not a number.
`;

const DURATIONS = `A **duration** is a whole number with a unit: \`500ms\`, \`30s\`, \`5m\`, \`1h\`, \`7d\`. A **time** is
ISO 8601 with a zone, or epoch milliseconds.
`;

const AGGREGATIONS = `## Aggregations

A feature of a view is an aggregation of an [expression](#expressions) \`x\` over the events of an
entity. Nulls are left out: an event for which \`x\` is null does not count, except in \`count()\`
without an expression, which counts events. The order of arrival never matters.

Options of every aggregation, as in \`avg(x, { window: "7d" })\`:
`;

const PARAMETERS = `Parameters. \`k\`, \`q\` and \`edges\` are arguments; the others are options:
`;

const MOMENTS = `- \`variance\` and \`stddev\` are those of a **sample** (divided by n − 1), not of a population.
- \`firstK\`, \`lastK\`, \`first\` and \`last\` order events by event time, then by partition and offset in
  the log. So simultaneous events have an order, and it is the same in every replay.
- \`topK\` and \`approxTopK\` give the most frequent value first. Of equally frequent values, the
  lesser one is first: numbers by value, text by UTF-16 code unit, false before true.
- A bucket of a \`histogram\` includes its lower edge and excludes its upper one. With n edges there
  are n + 1 buckets, from below the first edge to the last edge and above.
- [Decision 22](../decisions/0022-sketches.md) has the details of the sketches.
`;

const HOPS = `## Windows and hops

A window is kept as tiles, and the **hop** is the width of a tile. A value at the time \`at\` covers
the event times from \`at\` − window, rounded down to a multiple of the hop since 1970-01-01 in UTC,
to \`at\`. Both ends are included. So a value covers its window and up to one hop more: a window of
\`30d\` in hops of \`1d\` covers 30 to 31 days. \`millrace explain\` prints the exact interval of a value.

A feature can name its hop, as in \`{ window: "1d", hop: "1h" }\`. The hop must divide the window into
at most ${numberText(MAX_TILES)} tiles. A narrower hop makes the start more exact, and needs more tiles.
Without a hop, it is the widest of 1, 5, 10, 15 or 30 seconds, 1, 2, 5, 10, 15 or 30 minutes, 1
hour, 1 day or 7 days that divides the window into at least ${LEAST_TILES} tiles:
`;

const ODD_WINDOWS = `For other windows, \`millrace show VIEW\` prints the hop, and so do \`plan\`, \`explain\` and the catalog
(\`/v1/registry\`). Where none of these divides the window, the hop is the largest whole number of
milliseconds that divides it into at least ${LEAST_TILES} tiles. Where there is no such number, it is the
window itself. A feature without a window has one tile for all time.
`;

const EXPRESSIONS = `## Expressions

Filters, inputs of aggregations and on-demand features are expressions. They begin with
\`col("field")\`, a literal \`lit(5)\`, or a parameter of an on-demand feature's \`value\`. A plain
string, number, boolean or null is a literal wherever an argument is expected.

\`when(condition, value).when(…).otherwise(value)\` is the value of the first condition that is true.
It is printed as \`when(delay > 15, 1, otherwise 0)\`. Its branches have one type.

- **Null.** An expression over null is null, except \`isNull\`, \`isNotNull\`, \`coalesce\`, \`and\`,
  \`or\` and \`when\`. A condition that is null is not true.
- **Overflow.** Arithmetic is in doubles. A result that is not finite (a division by 0, an overflow)
  is null. So is a whole-number result outside ±(2^53 − 1).
- **Types.** Numbers combine with numbers; other values combine with values of their type only.
- **Time.** Functions of time use UTC. A date counts as its midnight.

In the table, "→ result" is for an \`x\` that is never null. A result that ends with \`?\` can be null
even then. If \`x\` can be null, the result can be null, with the exceptions above.
`;

const CASTS = `A cast to a whole number cuts fractions off. A text must have the form \`12.5\`, \`true\`,
\`2026-01-31\` or \`2026-01-31T12:00:00Z\`. These casts exist:
`;

const MISSING = `## Missing values

A read answers a value and a status for each feature. An on-demand feature is \`present\` or \`null\`.
`;

const MISSING_TYPES = `**The type of a feature ends with \`?\` if a read can answer null.** It is in the catalog
(\`millrace show\`, \`/v1/registry\`), in explanations and in lineage.

- A feature of a view is nullable if its aggregation can have no value, or if the view has a \`ttl\`,
  because all features of an expired entity are null. So only \`count\` and \`approxCountDistinct\` of
  a view without a \`ttl\` are never null.
- An on-demand feature is nullable if its expression can be null over its inputs. A request input
  counts as nullable, because a row of a spine may leave it empty. \`x.coalesce(0)\` makes a value
  that is never null.
- The type is that of the version that has the feature. A read with a past \`known\`, or an
  \`as-served\` row, may be answered by an earlier version: one that lacks the feature answers null,
  with the status \`not-found\`, and one that had a \`ttl\` may answer null.
- In files, tables, Avro and protobuf messages every feature is nullable, so that their
  schemas need not change with a \`ttl\`. In the TypeScript client a value is a \`Value\`, which
  includes null. [Decision 40](../decisions/0040-what-can-be-null.md) has the reasons.

What each aggregation answers, here over a window of \`1d\`:
`;

const LIMITS = `## Limits

Limits of requests, such as the number of definitions in one \`apply\`, are in the
[operator's guide](operator.md#limits-and-timeouts).
`;

const lines = (text: string): readonly string[] => text.split('\n');

export const definitionsPage = (): string =>
  `${[
    ...lines(INTRODUCTION),
    ...buildersSection(),
    ...lines(DIMENSIONS),
    ...lines(TYPES),
    ...typesTable(),
    ...lines(DURATIONS),
    ...lines(AGGREGATIONS),
    ...featureOptionsTable(),
    ...aggregationsTable(),
    ...lines(PARAMETERS),
    ...parametersTable(),
    ...lines(MOMENTS),
    ...lines(HOPS),
    ...hopsTable(),
    ...lines(ODD_WINDOWS),
    ...lines(EXPRESSIONS),
    ...methodsTable(),
    ...lines(CASTS),
    ...castsTable(),
    ...lines(MISSING),
    ...statusTable(),
    ...lines(MISSING_TYPES),
    ...missingTable(),
    ...lines(LIMITS),
    ...limitsTable(),
  ]
    .join('\n')
    .trimEnd()}\n`;

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(DEFINITIONS_PAGE, definitionsPage());
