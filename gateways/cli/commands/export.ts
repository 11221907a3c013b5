import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { fail, MillraceError } from '#domain/errors.ts';
import { path } from '../client.ts';
import { contextOf } from '../context.ts';
import { createProgress } from '../progress.ts';

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

const exportEvents = async (
  source: string,
  { out }: { readonly out: string },
  command: Command,
): Promise<void> => {
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

export const addExport = (program: Command): void => {
  program
    .command('export')
    .description('write all accepted events of a source, to publish them on another platform')
    .argument('<source>', 'name of the source')
    .requiredOption('--out <file>', 'NDJSON file to write')
    .addHelpText('after', '\nExample:\n  millrace export flights --out flights.ndjson')
    .action(exportEvents);
};
