import { createWriteStream } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import type { RegistryExport } from '#domain/api/registry.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import { path } from '../client.ts';
import { contextOf } from '../context.ts';
import { dbtSources } from '../dbt-sources.ts';
import { createProgress } from '../progress.ts';
import { UsageError } from '../usage.ts';

const NEWLINE = 10;

/** Counts the lines of a stream. */
const counting = (onCount: (events: number) => void): Transform => {
  let events = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (const byte of chunk) if (byte === NEWLINE) events++;
      onCount(events);
      done(null, chunk);
    },
  });
};

/** For a source with the name `registry` or `dbt`. */
const SOURCE = 'source/';

interface ExportOptions {
  readonly out?: string;
  readonly database?: string;
}

const exportEvents = async (source: string, out: string, command: Command): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const progress = createProgress();
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const part = `${out}.part`;
  let events = 0;
  try {
    const body = await client.stream(path('v1', 'sources', source, 'events'));
    const count = counting((counted) => {
      events = counted;
      progress.update(`${events.toLocaleString('en')} events`);
    });
    await pipeline(body, count, createWriteStream(part), { signal: stopping.signal });
    await rename(part, out);
  } catch (error) {
    await rm(part, { force: true });
    if (stopping.signal.aborted)
      fail('MR_REFUSED', `the export of "${source}" was stopped; nothing was written`, { source });
    if (error instanceof MillraceError) throw error;
    fail(
      'MR_UNREACHABLE',
      `the export of "${source}" ended after ${events} events: ${String(error)}; nothing was written`,
      { source },
    );
  } finally {
    progress.end();
    process.removeListener('SIGINT', stop);
    process.removeListener('SIGTERM', stop);
  }
  if (json) document({ source, events, out });
  else print(`${events} events of ${source} written to ${out}`);
};

const writeWhole = async (out: string, text: string): Promise<void> => {
  const part = `${out}.part`;
  try {
    await writeFile(part, `${text}\n`);
    await rename(part, out);
  } catch (error) {
    await rm(part, { force: true });
    fail('MR_FILE_INVALID', `${out} cannot be written: ${(error as Error).message}`, { out });
  }
};

const exportDbt = async ({ out, database }: ExportOptions, command: Command): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const { text, tables } = await dbtSources(client, database);
  if (out === undefined) return print(text.trimEnd());
  await writeWhole(out, text.trimEnd());
  if (json) document({ tables, out });
  else print(`${tables} tables written to ${out}`);
};

const exportRegistry = async (out: string | undefined, command: Command): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const exported = await client.get<RegistryExport>('/v1/registry');
  const text = JSON.stringify(exported, null, 2);
  if (out === undefined) return print(text);
  await writeWhole(out, text);
  const definitions = exported.definitions.length;
  if (json) document({ definitions, out });
  else print(`${definitions} definitions written to ${out}`);
};

const exportAny = async (what: string, options: ExportOptions, command: Command): Promise<void> => {
  const { out, database } = options;
  if (database !== undefined && what !== 'dbt')
    throw new UsageError('--database belongs to the export `dbt`');
  if (what === 'registry') return exportRegistry(out, command);
  if (what === 'dbt') return exportDbt(options, command);
  if (out === undefined) throw new UsageError('the export of a source needs --out FILE');
  const source = what.startsWith(SOURCE) ? what.slice(SOURCE.length) : what;
  return exportEvents(source, out, command);
};

export const addExport = (program: Command): void => {
  program
    .command('export')
    .description(
      'write what other programs can take over: all accepted events of a source, all definitions, or the sources of a dbt project',
    )
    .argument(
      '<what>',
      'name of a source, or `registry`, or `dbt`; of a source of that name, source/registry',
    )
    .option(
      '--out <file>',
      'file to write: NDJSON for events, JSON for the registry, YAML for dbt; default: stdout',
    )
    .option('--database <name>', 'dbt: name of the Iceberg catalog in the engine')
    .addHelpText(
      'after',
      '\nExample:\n  millrace export flights --out flights.ndjson\n  millrace export registry --out registry.json\n  millrace export dbt --database millrace --out models/sources.yml',
    )
    .action(exportAny);
};
