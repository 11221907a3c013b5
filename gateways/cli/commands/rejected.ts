import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import type { LateReport } from '#domain/api/operations.ts';
import type { PublishResult, RejectedRecord } from '#domain/api/publishing.ts';
import { fail } from '#domain/errors.ts';
import { durationText } from '#domain/values/duration.ts';
import { parseExactJson } from '#domain/values/exact-json.ts';
import { type Client, path, query } from '../client.ts';
import { contextOf } from '../context.ts';
import { entityText, facts, showTime, table } from '../table.ts';
import { UsageError, wholeOption } from '../usage.ts';

interface Page {
  readonly total: number;
  readonly records: readonly RejectedRecord[];
  readonly next: string | null;
}

const PAGE = 1_000;
const DEFAULT_LIMIT = 100;

async function* rejectedOf(
  client: Client,
  source: string,
  after?: string,
): AsyncGenerator<RejectedRecord & { readonly total: number }> {
  for (let from = after; ; ) {
    const page = await client.get<Page>(
      `${path('v1', 'rejected', source)}${query({ after: from, limit: PAGE })}`,
      { exact: true },
    );
    for (const record of page.records) yield { ...record, total: page.total };
    if (page.next === null || page.next === from) return;
    from = page.next;
  }
}

const resentText = ({ resent }: RejectedRecord): string | null =>
  resent === null ? null : `${showTime(resent.at)} by ${resent.by}`;

const list = async (
  source: string,
  { after, limit }: { after?: string; limit: number },
  command: Command,
): Promise<void> => {
  const { client, json, records, print } = contextOf(command);
  const page = await client.get<Page>(
    `${path('v1', 'rejected', source)}${query({ after, limit })}`,
    { exact: true },
  );
  if (json) return records(page.records);
  const rows = page.records.map((r) => [
    r.position,
    showTime(r.logTime),
    r.code,
    r.field,
    resentText(r),
    r.message,
  ]);
  print(table(['position', 'rejected at', 'code', 'field', 'sent again', 'why'], rows));
  print(
    `\n${page.records.length} of ${page.total}${page.next === null ? '' : `; the next page: --after ${page.next}`}`,
  );
};

const showOne = async (
  source: string,
  position: string,
  _options: unknown,
  command: Command,
): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  for await (const record of rejectedOf(client, source)) {
    if (record.position !== position) continue;
    const { total: _, ...shown } = record;
    if (json) return document(shown);
    const { logTime, code, field, message, event } = record;
    print(
      facts([
        ['position', position],
        ['rejected at', showTime(logTime)],
        ['code', code],
        ['field', field],
        ['sent again', resentText(record)],
        ['why', message],
      ]),
    );
    return print(`event     ${typeof event === 'string' ? event : JSON.stringify(event, null, 2)}`);
  }
  fail('MR_NOT_FOUND', `source "${source}" has no rejected event at ${position}`, {
    source,
    position,
  });
};

const readEvents = async (file: string): Promise<unknown[]> => {
  const lines = createInterface({
    input: file === '-' ? process.stdin : createReadStream(file),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  const events: unknown[] = [];
  let line = 0;
  try {
    for await (const text of lines) {
      line++;
      if (text.trim() !== '') events.push(parseExactJson(text));
    }
  } catch (error) {
    fail('MR_FILE_INVALID', `${file}, line ${line}: ${(error as Error).message}`, { file, line });
  }
  return events;
};

const resend = async (
  source: string,
  given: readonly string[],
  { all, events: file }: { all?: boolean; events?: string },
  command: Command,
): Promise<void> => {
  if (given.length > 0 === (all === true))
    throw new UsageError('give the positions to send again, or --all');
  const { client, json, document, print } = contextOf(command);
  const positions = [...given];
  if (all === true)
    for await (const { position, resent } of rejectedOf(client, source))
      if (resent === null) positions.push(position);
  const events = file === undefined ? undefined : await readEvents(file);
  const total = { accepted: 0, duplicates: 0, rejected: [] as PublishResult['rejected'][number][] };
  for (let i = 0; i < positions.length || i === 0; i += PAGE) {
    const body =
      events === undefined ? { positions: positions.slice(i, i + PAGE) } : { positions, events };
    const result = await client.post<PublishResult>(path('v1', 'rejected', source, 'resend'), {
      body,
    });
    total.accepted += result.accepted;
    total.duplicates += result.duplicates;
    total.rejected.push(...result.rejected.map((r) => ({ ...r, index: r.index + i })));
    if (events !== undefined) break;
  }
  if (json) document(total);
  else {
    print(
      `${total.accepted} accepted, ${total.duplicates} duplicates, ${total.rejected.length} rejected again`,
    );
    for (const r of total.rejected.slice(0, 20))
      print(`  ${positions[r.index] ?? r.index}: ${r.code} ${r.message}`);
  }
  if (total.rejected.length > 0) process.exitCode = 1;
};

const late = async (
  view: string,
  { limit }: { limit: number },
  command: Command,
): Promise<void> => {
  const { client, json, records, print } = contextOf(command);
  const report = await client.get<LateReport>(`${path('v1', 'late', view)}${query({ limit })}`);
  if (json) return records(report.records);
  const rows = report.records.map((r) => [
    r.position,
    showTime(r.eventTime),
    showTime(r.logTime),
    durationText(r.lateBy),
    r.generation,
    entityText(r.entity),
  ]);
  print(table(['position', 'event time', 'accepted at', 'late by', 'generation', 'entity'], rows));
  print(`\n${report.records.length} of ${report.total}`);
};

export const addRejectedAndLate = (program: Command): void => {
  const rejected = program.command('rejected').description('list, show and resend rejected events');
  const limit = wholeOption('--limit', 1);
  rejected
    .command('list')
    .description('list the rejected events of a source, and why each was rejected')
    .argument('<source>', 'name of the source')
    .option('--after <position>', 'only events after this position')
    .option('--limit <n>', 'at most this many events', limit, DEFAULT_LIMIT)
    .addHelpText('after', '\nExample:\n  millrace rejected list flights')
    .action(list);
  rejected
    .command('show')
    .description('show one rejected event in full')
    .argument('<source>', 'name of the source')
    .argument('<position>', 'position of the event, from `millrace rejected list`')
    .addHelpText('after', '\nExample:\n  millrace rejected show flights rejected.flights@0:12')
    .action(showOne);
  rejected
    .command('resend')
    .description('publish rejected events again, unchanged or corrected; each at most once')
    .argument('<source>', 'name of the source')
    .argument('[position...]', 'positions of the events, from `millrace rejected list`')
    .option('--all', 'resend all rejected events of the source that were not resent before')
    .option(
      '--events <file>',
      'NDJSON file with the corrected events, in the order of the positions; "-" is stdin',
    )
    .addHelpText(
      'after',
      '\nExample:\n  millrace rejected resend flights rejected.flights@0:12 --events corrected.ndjson',
    )
    .action(resend);
  program
    .command('late')
    .description('list the events that came too late for a view with a declared lateness')
    .argument('<view>', 'name of the view')
    .option('--limit <n>', 'at most this many events', limit, DEFAULT_LIMIT)
    .addHelpText(
      'after',
      '\nWithout a declared `lateness`, no event of a view is late, and the list is empty.\n\nExample:\n  millrace late airport_delays',
    )
    .action(late);
};
