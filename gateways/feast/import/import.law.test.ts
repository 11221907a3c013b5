/**
 * Whatever a registry holds, what comes out of it can be applied, and the files say what the
 * definitions are.
 */
import { runInThisContext } from 'node:vm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkDefinition, checkDuplicates } from '#domain/definitions/check.ts';
import * as millrace from '#domain/definitions/index.ts';
import type { Definition, Kind } from '#domain/definitions/model.ts';
import { readDefinition } from '#domain/definitions/parse.ts';
import { canonical } from '#domain/expressions/canonical.ts';
import { filesByKind, oneFile } from './files.ts';
import { importProject } from './import.ts';
import type {
  FeastField,
  FeastOnDemandView,
  FeastProject,
  FeastSource,
  FeastView,
} from './model.ts';

/**
 * Names as people choose them, and some that no one should: they clash with each other, with
 * keywords, and with this side's rules.
 */
const name = fc.oneof(
  fc.constantFrom(
    'driver',
    'Driver',
    'driver-',
    'entity',
    'last',
    'class',
    'é',
    '__x',
    '9',
    'a b',
    "it's",
    'x'.repeat(80),
    `${'y'.repeat(70)}1`,
  ),
  fc.string({ unit: 'grapheme-composite', minLength: 1, maxLength: 12 }),
);
const note = fc.oneof(
  fc.constant(''),
  fc.constantFrom('*/ `$`', 'line\nline', 'quote\'s "both"'),
  fc.string({ maxLength: 20 }),
);
const tags = fc.dictionary(name, note, { maxKeys: 2 });
const said = { description: note, owner: note, tags };
const valueType = fc.constantFrom<(string | number)[]>(
  ...[
    'BYTES',
    'STRING',
    'INT32',
    'INT64',
    'DOUBLE',
    'FLOAT',
    'BOOL',
    'UNIX_TIMESTAMP',
    'FLOAT_LIST',
    'STRING_SET',
    'MAP',
    'JSON',
  ],
  ...['DECIMAL', 'INVALID', 'VALUE_LIST'],
  99,
);
const duration = fc.constantFrom(
  null,
  ...[0, 1, 60, 300, 3600, 5400, 86_400, 1e11].map((seconds) => ({ seconds, nanos: 0 })),
);
const fields = (least: number): fc.Arbitrary<FeastField[]> =>
  fc.uniqueArray(
    fc.record({ name, valueType, tags, description: note, vectorIndex: fc.boolean() }),
    {
      selector: (field) => field.name,
      minLength: least,
      maxLength: 4,
    },
  );
const source: fc.Arbitrary<FeastSource> = fc.record({
  project: fc.constant('p'),
  name: fc.oneof(name, fc.constantFrom('data/a.parquet', 's3://lake/x/', 'project.set.table', '')),
  ...said,
  type: fc.constantFrom('BATCH_FILE', 'PUSH_SOURCE', 77),
  fieldMapping: fc.dictionary(name, name, { maxKeys: 2 }),
  timestampField: fc.oneof(fc.constant('event_timestamp'), name, fc.constant('')),
  timestampFieldType: fc.constantFrom('', 'DATE'),
  createdTimestampColumn: fc.oneof(fc.constant(''), name),
  fileOptions: fc.oneof(fc.constant(null), fc.record({ uri: note })),
  requestDataOptions: fc.constant(null),
  batchSource: fc.constant(null),
  ...Object.fromEntries(
    ['kafka', 'bigquery', 'redshift', 'snowflake', 'spark', 'trino', 'athena'].map((kind) => [
      `${kind}Options`,
      fc.constant(null),
    ]),
  ),
}) as fc.Arbitrary<FeastSource>;

const aggregations = fc.array(
  fc.record({
    column: name,
    function: fc.constantFrom('sum', 'mean', 'count', 'min', 'std', 'count_distinct', 'median'),
    timeWindow: duration,
    slideInterval: duration,
    name: fc.oneof(fc.constant(''), name),
  }),
  { maxLength: 3 },
);

const body = fc.constantFrom(
  'def f(inputs):\n    df = pd.DataFrame()\n    df["out"] = inputs["x"] + inputs["class"] * 2\n    return df\n',
  'def f(inputs):\n    return inputs\n',
  '',
);

const project: fc.Arbitrary<FeastProject> = fc
  .record({
    entities: fc.uniqueArray(
      fc.record({ name, project: fc.constant('p'), ...said, valueType, joinKey: name }),
      {
        selector: (entity) => entity.name,
        maxLength: 3,
      },
    ),
    sources: fc.array(source, { minLength: 1, maxLength: 3 }),
  })
  .chain(({ entities, sources }) => {
    const view = {
      name,
      project: fc.constant('p'),
      ...said,
      entities: fc.oneof(
        fc.constant(['__dummy']),
        fc.subarray(
          entities.map((entity) => entity.name),
          { minLength: Math.min(1, entities.length) },
        ),
      ),
      features: fields(1),
      entityColumns: fc.constant([]),
      ttl: duration,
      batchSource: fc.constantFrom(null, ...sources),
      streamSource: fc.constantFrom(null, ...sources),
      online: fc.boolean(),
      featureTransformation: fc.constant(null),
      version: fc.constantFrom('', 'latest', 'v2'),
      disabled: fc.boolean(),
    };
    const plainView = fc.record({ ...view, sourceViews: fc.constant([]) });
    const streamView = fc.record({
      ...view,
      aggregations,
      userDefinedFunction: fc.constant(null),
      timestampField: fc.constant(''),
    });
    return fc
      .uniqueArray(fc.oneof(plainView, streamView), { selector: (each) => each.name, maxLength: 4 })
      .chain((views: readonly FeastView[]) => {
        const projection = fc.record({
          featureViewName: fc.constantFrom(...views.map((each) => each.name), 'nowhere', 'odd'),
          featureViewNameAlias: fc.constantFrom('', 'other'),
          featureColumns: fc.constant(views.flatMap((each) => each.features)),
          joinKeyMap: fc.constantFrom({}, {}, { a: 'b' }),
        });
        const inputs = fc.record({
          views: fc.record({ featureViewProjection: projection }),
          request: source.map((each) => ({
            requestDataSource: {
              ...each,
              requestDataOptions: {
                schema: ['x', 'class'].map((input) => ({
                  name: input,
                  valueType: 'INT64',
                  tags: {},
                  description: '',
                  vectorIndex: false,
                })),
              },
            },
          })),
        });
        const onDemand = fc.record({
          name: fc.oneof(fc.constant('odd'), name),
          project: fc.constant('p'),
          ...said,
          features: fields(1).map(([first, ...rest]) => [
            { ...(first as FeastField), name: 'out' },
            ...rest.filter((each) => each.name !== 'out'),
          ]),
          sources: inputs,
          userDefinedFunction: body.map((bodyText) => ({ name: 'f', bodyText })),
          featureTransformation: fc.constant(null),
          mode: fc.constantFrom('pandas', 'python', ''),
          singleton: fc.boolean(),
          writeToOnlineStore: fc.boolean(),
          aggregations: fc.constant([]),
        }) as fc.Arbitrary<FeastOnDemandView>;
        return fc.record({
          project: fc.constant('p'),
          entities: fc.constant(entities),
          featureViews: fc.constant(views.filter((each) => 'sourceViews' in each)),
          streamFeatureViews: fc.constant(views.filter((each) => 'aggregations' in each)),
          onDemandFeatureViews: fc.uniqueArray(onDemand, {
            selector: (each) => each.name,
            maxLength: 2,
          }),
          featureServices: fc.uniqueArray(
            fc.record({
              name,
              project: fc.constant('p'),
              ...said,
              features: fc.array(projection, { maxLength: 3 }),
              loggingConfig: fc.constantFrom(
                null,
                { sampleRate: 1 },
                { sampleRate: Math.fround(0.1) },
              ),
            }),
            { selector: (each) => each.name, maxLength: 2 },
          ),
          dataSources: fc.constant(sources),
          labelViews: fc.constant([{ name: 'labels', project: 'p' }]),
          savedDatasets: fc.constant([]),
          validationReferences: fc.constant([]),
          permissions: fc.constant([]),
        });
      });
  }) as fc.Arbitrary<FeastProject>;

const problemsOf = (definitions: readonly Definition[]): unknown[] => {
  const of = <K extends Kind>(kind: K) => {
    const found = definitions.filter((each) => each.kind === kind) as Extract<
      Definition,
      { kind: K }
    >[];
    return (wanted: string) => found.find((each) => each.name === wanted);
  };
  const lookups = {
    entity: of('entity'),
    source: of('source'),
    view: of('feature-view'),
    onDemand: of('on-demand-feature'),
  };
  return [
    ...checkDuplicates(definitions),
    ...definitions.flatMap((each) => [
      ...readDefinition(JSON.parse(JSON.stringify(each))).problems,
      ...checkDefinition(each, lookups),
    ]),
  ];
};

const sorted = (definitions: readonly Definition[]): string[] =>
  definitions.map((each) => canonical(JSON.parse(JSON.stringify(each)))).sort();

/**
 * The exports of a file, run as a script: what it imports from the other files is in `found` before
 * it.
 */
const run = (file: string, found: Record<string, Definition>): void => {
  const script = file
    .replace(/^import \{([^}]*)\} from 'millrace';$/m, 'const {$1} = millrace;')
    .replace(/^import \{([^}]*)\} from '\.\/[a-z-]+\.ts';$/gm, 'const {$1} = found;')
    .replace(/^export const (\S+) =/gm, 'const $1 = found.$1 =');
  (
    runInThisContext(`(millrace, found) => {\n${script}\n}`) as (
      millrace: object,
      found: object,
    ) => void
  )(millrace, found);
};

/** A key of one view is a column of another type in a view of the same source. */
const KEY_AND_COLUMN = {
  seed: -756100683,
  path: '177:1574:2:2:2:2:2:2:2:2:2:2:3:3:3:6:6:7:9:9:9:9:9:9:9:9:9:9:9:10:10:10:10:8:0:0',
};

test.each([
  ['random projects', { numRuns: 300 }],
  ['a key that is another view’s column', KEY_AND_COLUMN],
])('imported definitions fit together, and their files define the same: %s', (_, parameters) => {
  fc.assert(
    fc.property(project, (feast) => {
      const imported = importProject(feast);
      expect(problemsOf(imported.definitions)).toEqual([]);
      const whole: Record<string, Definition> = {};
      run(oneFile(imported), whole);
      expect(sorted(Object.values(whole))).toEqual(sorted(imported.definitions));
      const parts: Record<string, Definition> = {};
      for (const text of filesByKind(imported).values()) run(text, parts);
      expect(parts).toEqual(whole);
    }),
    parameters,
  );
});

test('each thing of Feast is there, or said to be lost', () => {
  fc.assert(
    fc.property(project, (feast) => {
      const { definitions, notes } = importProject(feast);
      const there = (kind: Kind): number => definitions.filter((each) => each.kind === kind).length;
      const lost = (...kinds: string[]): number =>
        new Set(
          notes
            .filter(
              ({ level, kind, reason }) =>
                level === 'lost' &&
                kinds.includes(kind) &&
                /^(none of|one of its|it has no source|its key|two of its keys)/.test(reason),
            )
            .map((each) => each.name),
        ).size;
      expect(there('feature-view') + lost('feature view', 'stream feature view')).toBe(
        feast.featureViews.length + feast.streamFeatureViews.length,
      );
      expect(there('feature-service') + lost('feature service')).toBe(feast.featureServices.length);
      const features = feast.onDemandFeatureViews.flatMap((each) => each.features).length;
      expect(
        there('on-demand-feature') +
          notes.filter(({ level, kind }) => level === 'lost' && kind === 'on-demand feature')
            .length,
      ).toBe(features);
    }),
  );
});
