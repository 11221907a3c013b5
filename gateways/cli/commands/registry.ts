import type { Command } from 'commander';
import type { CatalogEntry, CatalogFeature, Found } from '#domain/api/registry.ts';
import { fail } from '#domain/errors.ts';
import { KINDS } from '#domain/registry/events.ts';
import { DATASET_KIND, isDatasetKind } from '#gateways/shared/kinds.ts';
import { path, query } from '../client.ts';
import { contextOf } from '../context.ts';
import { computesText } from '../definition-text.ts';
import { kindsOf, namedEntry } from '../named-entry.ts';
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

const showEntry = async (
  name: string,
  options: AsOf & { kind?: string; at?: number; sql?: boolean },
  command: Command,
): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const entry = await namedEntry(client, name, {
    ...(options.kind === undefined ? {} : { kind: options.kind }),
    ...(options.at === undefined ? {} : { version: options.at }),
    ...(options.asOf === undefined ? {} : { asOf: options.asOf }),
  });
  if (options.sql === true) {
    if (entry.sql === undefined)
      return fail(
        'MR_REFUSED',
        `${entry.kind} "${entry.name}" is not computed by SQL: --sql is for feature views`,
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
    .description('show one definition: its versions, its features, and where its values are stored')
    .argument('<name>', 'a name, or KIND/NAME')
    .option('--kind <kind>', 'kind of the definition, if several definitions have this name')
    .option(
      '--at <version>',
      'show this version, a whole number (not a time, unlike --at of other commands); default: the newest',
      wholeOption('--at', 1),
    )
    .option(...AS_OF)
    .option('--sql', 'print the SQL that Flink runs for a feature view on the stack profile')
    .addHelpText(
      'after',
      '\nExample:\n  millrace show airport_delays\n  millrace show airport_delays --sql',
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
