/** Data sets that were made: list, show, rerun, diff. */
import type { Command } from 'commander';
import type { DatasetStatus } from '#domain/api/datasets.ts';
import type { DatasetEngine } from '#domain/datasets/data-set-engine.ts';
import { datasetReference } from '#domain/datasets/dataset.ts';
import type { DatasetDiff } from '#domain/datasets/diff.ts';
import type { ColumnRecord, DatasetManifest } from '#domain/datasets/manifest.ts';
import { DEFAULT_EXAMPLES, type RowDiff } from '#domain/datasets/row-diff.ts';
import { path, query } from '../client.ts';
import { contextOf } from '../context.ts';
import { build, printBuilt, spineOfFile, titleOf } from '../dataset-build.ts';
import { engineOption } from '../engine-option.ts';
import { mlflowSnippet } from '../mlflow-snippet.ts';
import { rowDiffText } from '../row-diff-text.ts';
import { facts, showTime, table } from '../table.ts';
import { UsageError, wholeOption } from '../usage.ts';

const targetText = (target: DatasetManifest['recipe']['target']): string =>
  'service' in target
    ? `service ${target.service} version ${target.version}`
    : `view ${target.view} version ${target.version}`;

const list = async (_options: unknown, command: Command): Promise<void> => {
  const { client, json, records, print } = contextOf(command);
  const all = await client.get<readonly DatasetStatus[]>('/v1/datasets');
  const sorted = [
    ...all
      .filter(({ name }) => name !== undefined)
      .sort((a, b) => (a.name as string).localeCompare(b.name as string, 'en')),
    ...all.filter(({ name }) => name === undefined),
  ];
  if (json) return records(sorted);
  print(
    table(
      ['name', 'id', 'state', 'rows', 'mode', 'known', 'started', 'views'],
      sorted.map((one) => [
        titleOf(one),
        one.id,
        one.state,
        one.rows,
        one.mode,
        showTime(one.known),
        showTime(one.startedAt),
        one.views.map(({ view, version }) => `${view}@v${version}`).join(' '),
      ]),
    ),
  );
};

const COLUMNS = ['column', 'type', 'nulls', 'distinct', 'mean', 'stddev', 'min', 'max'] as const;
const columnRow = (column: ColumnRecord) => [
  column.name,
  column.type,
  column.nulls,
  column.distinct,
  column.mean,
  column.stddev,
  column.min,
  column.max,
];

const manifestText = ({
  name,
  version,
  by,
  at,
  recipe,
  content,
  builds,
}: DatasetManifest): string =>
  [
    facts([
      ['data set', `${name}@${version}`],
      ['of', targetText(recipe.target)],
      ['made by', by],
      ['at', showTime(at)],
      ['known', showTime(recipe.known)],
      ['mode', recipe.mode],
      ['spine', JSON.stringify(recipe.spine)],
      ['format', recipe.format],
      ['rows', content?.rows],
      ['bytes', content?.bytes],
      ['sha256', content?.sha256],
      ['Millrace', recipe.millrace],
      ['DuckDB', content?.duckdb],
      ['builds', builds.join(' ')],
      ['command', recipe.command],
    ]),
    table(
      ['view', 'version', 'generation'],
      recipe.views.map(({ view, version: v, generation }) => [view, v, generation]),
    ),
    table(
      ['source', 'version', 'events below', 'snapshot'],
      Object.entries(recipe.sources).map(([source, { below, snapshot }]) => [
        source,
        recipe.sourceVersions[source],
        below.join(' '),
        snapshot,
      ]),
    ),
    ...(content === null ? [] : [table(COLUMNS, content.columns.map(columnRow))]),
  ].join('\n\n');

export const showDataset = async (
  reference: string,
  { mlflow = false }: { readonly mlflow?: boolean },
  command: Command,
): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const status =
    datasetReference(reference) === null
      ? await client.get<DatasetStatus>(path('v1', 'datasets', reference))
      : null;
  const title = status === null ? reference : titleOf(status);
  if (title !== null) {
    const manifest = await client.get<DatasetManifest>(path('v1', 'datasets', title, 'manifest'));
    if (mlflow) return print(mlflowSnippet(manifest, client.url));
    return json ? document(manifest) : print(manifestText(manifest));
  }
  const { id, state, stage, rows, out, mode, known, startedAt, finishedAt, error } =
    status as DatasetStatus;
  if (json) return document(status);
  print(
    facts([
      ['data set', id],
      ['state', state],
      ['stage', stage],
      ['rows', rows],
      ['file', out],
      ['mode', mode],
      ['known', showTime(known)],
      ['started', showTime(startedAt)],
      ['ended', showTime(finishedAt)],
      ['error', error === null ? null : `${error.code}: ${error.message}`],
    ]),
  );
};

interface RerunOptions {
  readonly out: string;
  readonly spine?: string;
  readonly overwrite?: boolean;
  readonly engine?: DatasetEngine;
}

const rerun = async (reference: string, options: RerunOptions, command: Command): Promise<void> => {
  const context = contextOf(command);
  const { spine, engine } = options;
  const status = await build(
    context,
    async (local) =>
      context.client.post<DatasetStatus>(path('v1', 'datasets', reference, 'rerun'), {
        body: {
          ...local,
          engine,
          spine: spine === undefined ? undefined : await spineOfFile(context, spine),
        },
      }),
    options,
  );
  printBuilt(context, status);
};

interface DiffOptions {
  readonly rows?: boolean;
  readonly examples?: number;
}

const diff = async (
  first: string,
  second: string,
  { rows: wantsRows = false, examples }: DiffOptions,
  command: Command,
): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  if (examples !== undefined && !wantsRows)
    throw new UsageError('--examples says how many rows are printed: add --rows');
  const found = await client.get<DatasetDiff>(
    `${path('v1', 'datasets', first, 'diff')}${query({ with: second })}`,
  );
  const rows = wantsRows
    ? await client.get<RowDiff>(
        `${path('v1', 'datasets', first, 'diff', 'rows')}${query({ with: second, examples })}`,
      )
    : null;
  if (json) return document(rows === null ? found : { ...found, rows });
  const bytes =
    found.sameBytes === null
      ? 'one of them was never built'
      : found.sameBytes
        ? 'their files have the same bytes'
        : 'their files differ';
  print(`${found.first} and ${found.second}: ${bytes}`);
  if (found.differences.length > 0)
    print(
      `\n${table(
        ['what', found.first, found.second],
        found.differences.map(({ path: what, first: a, second: b }) => [
          what,
          JSON.stringify(a),
          JSON.stringify(b),
        ]),
      )}`,
    );
  if (rows !== null) print(`\n${rowDiffText(rows, found.first, found.second)}`);
};

const REFERENCE = 'NAME, or NAME@VERSION; without a version, the newest one';

export const addNamedDatasets = (group: Command): void => {
  group
    .command('list')
    .description('list the data sets that you may see, those with a name first')
    .addHelpText('after', '\nExample:\n  millrace dataset list')
    .action(list);
  group
    .command('show')
    .description('show the manifest of a data set, or the state of one without a name')
    .argument('<name>', `${REFERENCE}; or an id`)
    .option('--mlflow', 'print Python that logs the data set as an input of a run of MLflow')
    .addHelpText('after', '\nExample:\n  millrace dataset show delay_v3')
    .action(showDataset);
  group
    .command('rerun')
    .description('build a named data set again: the same bytes, or an error that says what changed')
    .argument('<name>', REFERENCE)
    .requiredOption('--out <file>', 'file to write, of the same format')
    .option('--spine <file>', 'the same spine, if its file has moved or its rows were sent')
    .option('--overwrite', 'replace the file of --out if it exists')
    .addOption(engineOption())
    .addHelpText('after', '\nExample:\n  millrace dataset rerun delay_v3@1 --out again.parquet')
    .action(rerun);
  group
    .command('diff')
    .description('show how two named data sets differ')
    .argument('<first>', REFERENCE)
    .argument('<second>', REFERENCE)
    .option('--rows', 'also compare the rows of their files: what was added, removed, changed')
    .option(
      '--examples <n>',
      `with --rows: print so many rows of each difference; default: ${DEFAULT_EXAMPLES}`,
      wholeOption('--examples', 0),
    )
    .addHelpText('after', '\nExample:\n  millrace dataset diff delay_v3@1 delay_v3@2 --rows')
    .action(diff);
};
