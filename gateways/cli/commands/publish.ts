import { type Command, Option } from 'commander';
import type { PublishResult } from '#domain/api/publishing.ts';
import { fail } from '#domain/errors.ts';

import { type EventFormat, formatOfName } from '#domain/files/file-kind.ts';
import { durationText } from '#domain/values/duration.ts';

import { find } from '../catalog.ts';
import { path } from '../client.ts';
import { contextOf } from '../context.ts';
import { createProgress } from '../progress.ts';
import type { BadLine, Batch, ReadOptions } from '../publish/batch.ts';
import { csvBatches } from '../publish/csv-file.ts';
import { ndjsonBatches } from '../publish/ndjson.ts';
import { parquetBatches } from '../publish/parquet-file.ts';
import { producerOf } from '../publish/producer.ts';
import { requireRegularFile } from '../publish/read-pieces.ts';
import { sendInOrder } from '../publish/send.ts';
import { refuseLine, sendSnapshot, snapshotFields, snapshotText } from '../publish/snapshot.ts';
import { pairsOf, UsageError, wholeOption } from '../usage.ts';

type Format = EventFormat;

export interface PublishOptions {
  readonly format?: Format;
  readonly map?: readonly string[];
  readonly ignoreExtra?: boolean;
  readonly limit?: number;
  readonly producer?: string;
  readonly snapshot?: string;
  readonly force?: boolean;
  readonly reason?: string;
}

/** The server has the rejected events, but not the bad lines. */
const SHOWN_REJECTED = 20;
const SHOWN_BAD_LINES = 1_000;
const IN_FLIGHT = 3;
const RETRY_MS = 60_000;

const formatOf = (file: string, given: Format | undefined): Format => {
  const format = given ?? (file === '-' ? 'ndjson' : formatOfName(file));
  if (format === null)
    throw new UsageError(
      `the format of ${file} is unknown: give it with --format ndjson, csv or parquet`,
    );
  if (format === 'parquet' && file === '-')
    throw new UsageError('Parquet cannot be read from stdin: name a file');
  return format;
};

/** Counts the results, and prints the first rejected events and bad lines. */
const createTally = (source: string, message: (text: string) => void) => {
  const counts = { accepted: 0, duplicates: 0, rejected: 0 };
  const byCode = new Map<string, number>();
  const shown = { events: 0, lines: 0 };
  const count = (code: string): void => {
    counts.rejected++;
    byCode.set(code, (byCode.get(code) ?? 0) + 1);
  };
  return {
    counts,
    byCode,
    answer(batch: Batch, result: PublishResult): void {
      counts.accepted += result.accepted;
      counts.duplicates += result.duplicates;
      for (const { index, code, message: text } of result.rejected) {
        count(code);
        if (++shown.events <= SHOWN_REJECTED)
          message(`rejected event ${batch.sequence + index + 1}: ${code} ${text}`);
        else if (shown.events === SHOWN_REJECTED + 1)
          message(`further rejected events are only counted: \`millrace rejected list ${source}\``);
      }
    },
    badLine({ line, message: text }: BadLine): void {
      count('MR_BODY_INVALID');
      if (++shown.lines <= SHOWN_BAD_LINES)
        message(`rejected line ${line}: MR_BODY_INVALID the line ${text}`);
      else if (shown.lines === SHOWN_BAD_LINES + 1)
        message('further lines that are no events are only counted');
    },
  };
};

const checkSnapshotOptions = ({ snapshot, force, reason, limit }: PublishOptions): void => {
  if (snapshot === undefined && (force === true || reason !== undefined))
    throw new UsageError('--force and --reason go together with --snapshot');
  if (snapshot !== undefined && limit !== undefined)
    throw new UsageError('a snapshot is the whole table: --limit cannot be used with --snapshot');
};

/** Where the events of a file go. */
export interface PublishTarget {
  readonly route: 'events' | 'history';
  /** of a producer's next sequence number */
  readonly sequences: 'producers' | 'history';
  /** of the request */
  readonly query: string;
}

const LIVE: PublishTarget = { route: 'events', sequences: 'producers', query: '' };

export const publishFile = async (
  source: string,
  file: string,
  options: PublishOptions,
  command: Command,
  target: PublishTarget = LIVE,
): Promise<void> => {
  const { client, json, document, print, message } = contextOf(command);
  const format = formatOf(file, options.format);
  const map = new Map(pairsOf('--map', options.map ?? []));
  if (format === 'ndjson' && (map.size > 0 || options.ignoreExtra === true))
    throw new UsageError('--map and --ignore-extra are for csv and parquet');
  const entry = await find(client, 'source', source);
  if (entry === null || entry.definition.kind !== 'source')
    return fail('MR_UNKNOWN_SOURCE', `there is no source "${source}": apply its definition first`, {
      source,
    });
  const { snapshot } = options;
  checkSnapshotOptions(options);
  const { eventTime } = entry.definition;
  const fields =
    snapshot === undefined ? entry.definition.fields : snapshotFields(entry.definition);

  if (file !== '-') await requireRegularFile(file);
  const producer = await producerOf(
    file,
    source,
    [format, [...map], ...(target === LIVE ? [] : [target.route])],
    options.producer,
  );
  const { next: skip } =
    snapshot === undefined
      ? await client.get<{ next: number }>(
          path('v1', 'sources', source, target.sequences, producer),
        )
      : { next: 0 };
  if (skip > 0) message(`continuing after ${skip} events that the server already has`);

  const tally = createTally(source, message);
  const progress = createProgress();
  const started = performance.now();
  let position: string | null = null;
  let stopped = false;
  let handled = 0;
  const stop = (): void => {
    stopped = true;
    message('stopping after the events in flight');
  };
  const speed = (): string =>
    `${Math.round((handled / Math.max(1, performance.now() - started)) * 1000).toLocaleString('en')} events/s`;
  const reading: ReadOptions = {
    skip,
    limit: options.limit ?? Number.POSITIVE_INFINITY,
    onBadLine: snapshot === undefined ? tally.badLine : refuseLine,
  };
  const table = { file, fields, eventTime, map, ignoreExtra: options.ignoreExtra === true };
  const batches = {
    ndjson: () => ndjsonBatches(file, reading),
    csv: () => csvBatches(table, reading),
    parquet: () => parquetBatches(table, reading),
  }[format]();
  if (snapshot !== undefined) {
    const { force = false, reason } = options;
    const result = await sendSnapshot(client, source, batches, { time: snapshot, force, reason });
    if (json) document({ source, ...result });
    else print(`${snapshotText(result)}, position ${result.position}`);
    return;
  }
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    await sendInOrder(batches, {
      window: IN_FLIGHT,
      retryForMs: RETRY_MS,
      stopped: () => stopped,
      post: (batch, onSent) =>
        client.post<PublishResult>(
          `${path('v1', 'sources', source, target.route)}${target.query}`,
          {
            json: batch.body,
            headers: { 'millrace-producer': producer, 'millrace-sequence': String(batch.sequence) },
            onSent,
          },
        ),
      onAnswer(batch, result) {
        tally.answer(batch, result);
        handled += batch.count;
        ({ position } = result);
        progress.update(
          `${(skip + handled).toLocaleString('en')} events, ${speed()}, ${tally.counts.accepted} accepted, ${tally.counts.rejected} rejected`,
        );
      },
      onRetry: (error, inMs) =>
        progress.update(`${error.message}; repeating in ${durationText(inMs)}`),
    });
  } finally {
    progress.end();
    process.removeListener('SIGINT', stop);
    process.removeListener('SIGTERM', stop);
  }
  const seconds = (performance.now() - started) / 1000;
  const { accepted, duplicates, rejected } = tally.counts;
  if (json)
    document({
      source,
      producer,
      accepted,
      duplicates,
      rejected,
      rejectedByCode: Object.fromEntries(tally.byCode),
      position,
      seconds,
      stopped,
      alreadyThere: skip,
    });
  else
    print(
      `${accepted} accepted, ${duplicates} duplicates, ${rejected} rejected in ${durationText(seconds * 1000)} (${speed()})${position === null ? '' : `, position ${position}`}`,
    );
  if (!json) for (const [code, count] of tally.byCode) print(`  ${count} × ${code}`);
  if (stopped) message('stopped before the end: the same command continues from here');
  if (stopped || rejected > 0) process.exitCode = 1;
};

/** The arguments and options of a file of events. */
export const withFileOptions = (command: Command): Command =>
  command
    .argument('<source>', 'name of the source')
    .argument('[file]', 'file of events; "-" is stdin', '-')
    .addOption(
      new Option(
        '--format <format>',
        'format of the events; default: by the file name, and ndjson for stdin',
      ).choices(['ndjson', 'csv', 'parquet']),
    )
    .option(
      '--map <field=column...>',
      'read this field of the source from this column (csv, parquet)',
    )
    .option('--ignore-extra', 'ignore columns that are not fields of the source (csv, parquet)')
    .option('--limit <n>', 'publish only the first n events of the file', wholeOption('--limit'))
    .option(
      '--producer <name>',
      'resume by this name instead of by the file; needed for growing files and for stdin',
    );

export const addPublish = (program: Command): void => {
  withFileOptions(
    program
      .command('publish')
      .description('send raw events to a source; if interrupted, run it again to continue'),
  )
    .option(
      '--snapshot <time>',
      'the file is a whole table at this time: publish what differs, and tombstones for rows that are gone',
    )
    .option('--force', 'with --snapshot: allow a file without rows; needs --reason')
    .option('--reason <text>', 'with --force: why the table is empty')
    .addHelpText(
      'after',
      '\nExit status: 0 every event was accepted or is a duplicate, 1 some were rejected or the command was refused or stopped. The accepted ones stay, and a repetition sends none of them again.\n\nExample:\n  millrace publish flights flights.parquet --map distance=miles --ignore-extra',
    )
    .action((source: string, file: string, options: PublishOptions, command: Command) =>
      publishFile(source, file, options, command),
    );
};
