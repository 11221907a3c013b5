import { type Command, Option } from 'commander';
import type { DatasetStatus } from '#domain/api/datasets.ts';
import type { DatasetEngine } from '#domain/datasets/data-set-engine.ts';
import { findTarget, targetOf } from '../catalog.ts';
import { contextOf } from '../context.ts';
import { build, printBuilt, spineOfFile, tableExtension } from '../dataset-build.ts';
import { engineOption } from '../engine-option.ts';
import { UsageError } from '../usage.ts';
import { addNamedDatasets } from './named-datasets.ts';

interface DatasetOptions {
  readonly spine?: string;
  readonly spineSql?: string;
  readonly from?: string;
  readonly to?: string;
  readonly every?: string;
  readonly events?: string;
  readonly label?: readonly string[];
  readonly out: string;
  readonly mode: 'event-time' | 'as-served';
  readonly known?: string;
  readonly withStatus?: boolean;
  readonly overwrite?: boolean;
  readonly name?: string;
  readonly newVersion?: boolean;
  readonly engine?: DatasetEngine;
}

export const WITH_STATUS = [
  '--with-status',
  'after each feature, a column FEATURE__status: present, null, not-found, expired or overflow, as an online read answers it',
] as const;

type Spine =
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'given'; readonly spine: object };

/** @throws UsageError where it is not clear which rows the data set has */
const spineOf = ({ spine, spineSql, from, to, every, events, label }: DatasetOptions): Spine => {
  const kinds = [spine, spineSql, every, events].filter((one) => one !== undefined);
  if (kinds.length !== 1)
    throw new UsageError(
      'give one of --spine FILE, --spine-sql STATEMENT, --every DURATION (with --from and --to) and --events SOURCE: they say which rows the data set has',
    );
  if (label !== undefined && events === undefined)
    throw new UsageError('--label names fields of the source of --events: give --events SOURCE');
  if (spine !== undefined || spineSql !== undefined) {
    if (from !== undefined || to !== undefined)
      throw new UsageError('--from and --to are for --every and --events: the spine has its times');
    return spine === undefined
      ? { kind: 'given', spine: { sql: spineSql } }
      : { kind: 'file', file: spine };
  }
  if (events !== undefined) {
    const [source, ...labels] = [events, ...(label ?? [])];
    return { kind: 'given', spine: { events: { source, label: labels, from, to } } };
  }
  if (from === undefined || to === undefined)
    throw new UsageError('--every needs --from and --to: the first time, and the end of the times');
  return { kind: 'given', spine: { grid: { from, to, every } } };
};

const dataset = async (name: string, options: DatasetOptions, command: Command): Promise<void> => {
  const context = contextOf(command);
  const { client } = context;
  const wanted = spineOf(options);
  tableExtension('--out', options.out);
  const status = await build(
    context,
    async (local) =>
      client.post<DatasetStatus>('/v1/datasets', {
        body: {
          ...targetOf(await findTarget(client, name)),
          spine: wanted.kind === 'file' ? await spineOfFile(context, wanted.file) : wanted.spine,
          ...local,
          mode: options.mode,
          known: options.known,
          withStatus: options.withStatus,
          name: options.name,
          newVersion: options.newVersion,
          engine: options.engine,
        },
      }),
    options,
  );
  printBuilt(context, status);
};

export const addDataset = (program: Command): void => {
  const group = program
    .command('dataset')
    .description('make a point-in-time correct training set, and named ones again')
    .addHelpText(
      'after',
      `
millrace dataset NAME … is short for millrace dataset make NAME …

Example:
  millrace dataset delay_model --spine labels.csv --out training.parquet --name delay_v3`,
    );
  group
    .command('make', { isDefault: true })
    .description('make a training set')
    .argument('<name>', 'a feature service or a feature view')
    .option(
      '--spine <file>',
      'Parquet, CSV or Arrow file with event_timestamp, the entity keys, and the request inputs of on-demand features',
    )
    .option(
      '--spine-sql <statement>',
      'instead of a file: one query, as of `millrace sql`, that has these columns',
    )
    .option(
      '--every <duration>',
      'instead of a spine: every entity at --from, and each time this long after, before --to',
    )
    .option(
      '--events <source>',
      'instead of a spine: every event of this source, with the features just before it',
    )
    .option('--label <field...>', 'with --events: fields of the event that are kept as columns')
    .option('--from <time>', 'with --every or --events: the first time')
    .option('--to <time>', 'with --every or --events: the end of the times, which is left out')
    .requiredOption('--out <file>', 'Parquet or CSV file to write')
    .option('--overwrite', 'replace the file of --out if it exists')
    .option(
      '--name <name>',
      'keep its manifest under this name; the same request under the same name writes the same bytes again',
    )
    .option('--new-version', 'with --name: make a new version if the name has another request')
    .addOption(
      new Option(
        '--mode <mode>',
        "event-time: the true values at each row's time, late data included; as-served: the values that a read would have returned then",
      )
        .choices(['event-time', 'as-served'])
        .default('event-time'),
    )
    .option('--known <time>', 'use only events that were accepted by this time; default: now')
    .option(...WITH_STATUS)
    .addOption(engineOption())
    .addHelpText(
      'after',
      '\nExample:\n  millrace dataset delay_model --spine labels.csv --out training.parquet',
    )
    .action(dataset);
  addNamedDatasets(group);
};
