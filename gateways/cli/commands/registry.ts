import type { Command } from 'commander';
import type { CatalogEntry, CatalogFeature, Found } from '#domain/api/registry.ts';
import { fail, hasCode } from '#domain/errors.ts';
import { KINDS } from '#domain/registry/events.ts';
import { SQL_DIALECTS } from '#gateways/shared/entry-sql.ts';
import { DATASET_KIND, isDatasetKind } from '#gateways/shared/kinds.ts';
import { path, query } from '../client.ts';
import { contextOf } from '../context.ts';
import { computesText } from '../definition-text.ts';
import { kindsOf, namedEntry } from '../named-entry.ts';
import { showNamedDataset } from '../show-named-dataset.ts';
import { facts, indent, showTime, table } from '../table.ts';
import { wholeOption } from '../usage.ts';

/** Of a data set, what a definition has no column for. */
const descriptionOf = (entry: Found): string | null =>
  entry.kind === 'dataset'
    ? `${entry.rows === null ? 'not built' : `${entry.rows} rows`} of ${entry.of}, made ${showTime(entry.createdAt)}`
    : entry.description;

const entriesTable = (entries: readonly Found[]): string =>
  table(
    ['kind', 'name', 'version', 'status', 'namespace', 'owner', 'tags', 'description'],
    entries.map((e) => [
      e.kind,
      e.name,
      e.version,
      e.status,
      e.namespace,
      e.owner,
      e.tags.join(', '),
      descriptionOf(e),
    ]),
  );

interface AsOf {
  readonly asOf?: string;
}

const list = async (kind: string | undefined, { asOf }: AsOf, command: Command): Promise<void> => {
  const { client, json, records, print } = contextOf(command);
  const kinds =
    kind === undefined
      ? [...KINDS, DATASET_KIND]
      : isDatasetKind(kind)
        ? [DATASET_KIND]
        : kindsOf(kind);
  const entries = (
    await Promise.all(
      kinds.map((one) => client.get<Found[]>(`${path('v1', 'registry', one)}${query({ asOf })}`)),
    )
  ).flat();
  if (json) records(entries);
  else print(entriesTable(entries));
};

const featuresTable = (features: readonly CatalogFeature[]): string =>
  table(
    ['name', 'type', 'window', 'hop', 'description'],
    features.map((f) => [f.name, f.type, f.window, f.hop, f.description]),
  );

const entryText = (entry: CatalogEntry): string => {
  const sections = [
    facts([
      [entry.kind, entry.name],
      ['version', `${entry.version} (${entry.status})`],
      ['namespace', entry.namespace],
      ['owner', entry.owner],
      ['description', entry.description],
      ['tags', entry.tags.join(', ') || null],
      ['reads', entry.upstream.join(', ') || null],
      ['read by', entry.downstream.join(', ') || null],
    ]),
  ];
  const section = (title: string, text: string): void => {
    sections.push(`\n${title}\n${indent(text)}`);
  };
  if (entry.features !== undefined) section('Features', featuresTable(entry.features));
  const computes = computesText(entry.definition);
  if (computes.length > 0) section('Computes', computes.join('\n'));
  if (entry.materializations !== undefined) {
    const rows = entry.materializations.map((m) => [
      m.store,
      m.location,
      m.generation,
      m.position,
      showTime(m.eventTime),
      m.job ?? '',
    ]);
    section(
      'Materialized in',
      table(['store', 'location', 'generation', 'position', 'newest event', 'filled by'], rows),
    );
  }
  section(
    'Versions',
    table(
      ['version', 'registered', 'by', 'reason'],
      entry.versions.map((v) => [v.version, showTime(v.registeredAt), v.actor, v.reason]),
    ),
  );
  section('Definition', JSON.stringify(entry.definition, null, 2));
  return sections.join('\n');
};

interface ShowOptions extends AsOf {
  readonly kind?: string;
  readonly at?: number;
  /** true: what Flink runs */
  readonly sql?: string | true;
}

/** The definition; null: a data set has the name, and was shown. */
const definitionNamed = async (
  name: string,
  options: ShowOptions,
  command: Command,
): Promise<CatalogEntry | null> => {
  const { client } = contextOf(command);
  const slash = name.indexOf('/');
  const kind = slash < 0 ? options.kind : name.slice(0, slash);
  const showedDataset = (): Promise<boolean> =>
    showNamedDataset(name.slice(slash + 1), options, command);
  if (kind !== undefined && isDatasetKind(kind))
    return (await showedDataset())
      ? null
      : fail('MR_NOT_FOUND', `there is no data set "${name.slice(slash + 1)}"`, { name });
  try {
    return await namedEntry(client, name, {
      ...(options.kind === undefined ? {} : { kind: options.kind }),
      ...(options.at === undefined ? {} : { version: options.at }),
      ...(options.asOf === undefined ? {} : { asOf: options.asOf }),
    });
  } catch (error) {
    const mayBeDataset = kind === undefined && hasCode(error, 'MR_NOT_FOUND');
    if (mayBeDataset && options.sql === undefined && (await showedDataset())) return null;
    throw error;
  }
};

const sqlIn = async (
  dialect: string,
  { kind, name, version }: CatalogEntry,
  { asOf }: AsOf,
  command: Command,
): Promise<string> => {
  const at = path('v1', 'registry', kind, name, 'versions', String(version));
  const { client } = contextOf(command);
  return (await client.get<CatalogEntry>(`${at}${query({ asOf, sql: dialect })}`)).sql ?? '';
};

const showEntry = async (name: string, options: ShowOptions, command: Command): Promise<void> => {
  const { json, document, print } = contextOf(command);
  const entry = await definitionNamed(name, options, command);
  if (entry === null) return;
  if (typeof options.sql === 'string')
    return print(await sqlIn(options.sql, entry, options, command));
  if (options.sql === true) {
    if (entry.sql === undefined)
      return fail(
        'MR_REFUSED',
        `${entry.kind} "${entry.name}" is not computed by SQL in Flink: --sql without a dialect is for feature views`,
        { name },
      );
    return print(entry.sql);
  }
  if (json) document(entry);
  else print(entryText(entry));
};

const search = async (text: string, { asOf }: AsOf, command: Command): Promise<void> => {
  const { client, json, records, print } = contextOf(command);
  const entries = await client.get<Found[]>(`/v1/search${query({ q: text, asOf })}`);
  if (json) records(entries);
  else print(entriesTable(entries));
};

interface Lineage {
  readonly nodes: readonly { readonly id: string; readonly kind: string }[];
  readonly edges: readonly { readonly from: string; readonly to: string }[];
}

const lineage = async (
  name: string | undefined,
  { asOf }: AsOf,
  command: Command,
): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const graph = await client.get<Lineage>(`/v1/lineage${query({ name, asOf })}`);
  if (json) return document(graph);
  print(
    table(
      ['kind', 'node'],
      graph.nodes.map((node) => [node.kind, node.id]),
    ),
  );
  print(
    `\n${table(
      ['from', '', 'to'],
      graph.edges.map((edge) => [edge.from, '→', edge.to]),
    )}`,
  );
};

const AS_OF = [
  '--as-of <position>',
  'what the registry answered at this position, such as registry@0:12; default: now',
] as const;

export const addRegistry = (program: Command): void => {
  program
    .command('list')
    .description('list the registered definitions and the named data sets')
    .argument(
      '[kind]',
      `only this kind: ${[...KINDS, DATASET_KIND].join(', ')}; default: all kinds`,
    )
    .option(...AS_OF)
    .addHelpText('after', '\nExample:\n  millrace list feature-view')
    .action(list);
  program
    .command('show')
    .description(
      'show one definition: its versions, its features, and where its values are stored; or a named data set',
    )
    .argument('<name>', 'a name, or KIND/NAME')
    .option(
      '--kind <kind>',
      'kind of the definition, if several definitions have this name; `dataset` for a data set',
    )
    .option(
      '--at <version>',
      'show this version, a whole number (not a time, unlike --at of other commands); default: the newest',
      wholeOption('--at', 1),
    )
    .option(...AS_OF)
    .option(
      '--sql [dialect]',
      `print what a feature view or an on-demand feature computes as a query of an engine: ${SQL_DIALECTS.join(', ')}; default: what Flink runs for a feature view on the stack profile`,
    )
    .addHelpText(
      'after',
      '\nExample:\n  millrace show airport_delays\n  millrace show airport_delays --sql trino',
    )
    .action(showEntry);
  program
    .command('search')
    .description('search names, descriptions, owners and tags, of definitions and data sets')
    .argument('<text>', 'words to find; a result has all of them')
    .option(...AS_OF)
    .addHelpText('after', '\nExample:\n  millrace search delay')
    .action(search);
  program
    .command('lineage')
    .description('show which definitions are computed from which')
    .argument('[name]', 'name of a definition; default: the whole graph')
    .option(...AS_OF)
    .addHelpText('after', '\nExample:\n  millrace lineage airport_delays')
    .action(lineage);
};
