import type { Command } from 'commander';
import type { AuditRecord, AuditVerification } from '#domain/api/audit.ts';
import { fail } from '#domain/errors.ts';
import type { AuditHead } from '#domain/ports/audit-store.ts';
import { query } from '../client.ts';
import { contextOf } from '../context.ts';
import { showTime, table } from '../table.ts';
import { wholeOption } from '../usage.ts';

interface LogOptions {
  readonly since?: string;
  readonly until?: string;
  readonly actor?: string;
  readonly subject?: string;
  readonly kind?: string;
  readonly after?: number;
  readonly limit?: number;
}

interface Page {
  readonly records: readonly AuditRecord[];
  readonly next: number | null;
}

const outcome = ({ refusal, events }: AuditRecord): string =>
  refusal === null
    ? events.map((e) => e.type).join(', ') || 'nothing changed'
    : `refused: ${refusal.code} ${refusal.message}`;

const log = async ({ limit, ...options }: LogOptions, command: Command): Promise<void> => {
  const { client, json, records, print } = contextOf(command);
  const all: AuditRecord[] = [];
  for (let after = options.after; ; ) {
    const rest = limit === undefined ? undefined : limit - all.length;
    const page = await client.get<Page>(`/v1/audit${query({ ...options, after, limit: rest })}`);
    if (json) records(page.records);
    all.push(...page.records);
    if (page.next === null || page.next === after || (limit !== undefined && all.length >= limit))
      break;
    after = page.next;
  }
  if (json) return;
  const rows = all.map((r) => [
    r.sequence,
    showTime(r.time),
    r.actor,
    r.command,
    r.subject,
    outcome(r),
    r.reason,
  ]);
  print(table(['#', 'time', 'actor', 'command', 'subject', 'outcome', 'reason'], rows));
};

const head = async (_options: unknown, command: Command): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const found = await client.get<AuditHead>('/v1/audit/head');
  if (json) document(found);
  else print(`${found.sequence}:${found.hash}`);
};

const publicKey = async (_options: unknown, command: Command): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const found = await client.get<{ readonly publicKey: string | null }>('/v1/audit/public-key');
  if (json) document(found);
  else
    print(
      found.publicKey ??
        fail('MR_REFUSED', 'the server signs no audit records: start it with --audit-key-file', {}),
    );
};

interface VerifyOptions {
  readonly head?: string;
  readonly publicKey?: readonly string[];
  readonly signedFrom?: number;
}

const verify = async (options: VerifyOptions, command: Command): Promise<void> => {
  const { head: saved, publicKey: keys, signedFrom } = options;
  const { client, json, document, print } = contextOf(command);
  const result = await client.get<AuditVerification>(
    `/v1/audit/verify${query({
      head: saved?.trim(),
      publicKey: keys?.map((key) => key.trim()).join(','),
      signedFrom,
    })}`,
  );
  if (json) document(result);
  else if (result.ok)
    print(
      `the hash chain of ${result.records} records is complete; its head is ${result.head}${result.signedFrom === undefined ? '' : `; records are signed from number ${result.signedFrom} on`}`,
    );
  if (result.ok) return;
  if (json) process.exitCode = 1;
  else
    fail(
      'MR_STORAGE_FAILED',
      `the audit chain is broken at record ${result.firstBad}: ${result.message}`,
      { firstBad: result.firstBad },
    );
};

export const addAudit = (program: Command): void => {
  const audit = program
    .command('audit')
    .description('show the audit log, or verify its hash chain');
  audit
    .command('log')
    .description('list commands, accepted and refused, newest last')
    .option('--since <time>', 'only records since this time')
    .option('--until <time>', 'only records up to this time')
    .option('--actor <name>', 'only commands of this actor')
    .option('--subject <name>', 'only records about this name')
    .option('--kind <kind>', 'only records about definitions of this kind')
    .option('--after <n>', 'only records after this number (column #)', wholeOption('--after'))
    .option('--limit <n>', 'at most this many records', wholeOption('--limit', 1))
    .addHelpText(
      'after',
      '\nExample:\n  millrace audit log --subject airport_delays --since 2026-01-31T00:00:00Z',
    )
    .action(log);
  audit
    .command('head')
    .description('print the number and hash of the newest record, to keep elsewhere')
    .addHelpText('after', '\nExample:\n  millrace audit head > head.txt')
    .action(head);
  audit
    .command('key')
    .description('print the key that verifies signatures of records, to keep elsewhere')
    .addHelpText('after', '\nExample:\n  millrace audit key > audit.pub')
    .action(publicKey);
  audit
    .command('verify')
    .description('verify that the hash chain is complete; exit with 1 if it is broken')
    .option('--head <number:hash>', 'a head that was saved: the chain must extend it')
    .option(
      '--public-key <key...>',
      "keys that records may be signed with; default: the server's own",
    )
    .option(
      '--signed-from <n>',
      'number of the first signed record, at the latest',
      wholeOption('--signed-from', 1),
    )
    .addHelpText('after', '\nExample:\n  millrace audit verify --head "$(cat head.txt)"')
    .action(verify);
};
