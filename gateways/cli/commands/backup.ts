/**
 * `backup`, and `restore` of a backup. They work on directories of this machine and on the servers
 * of the stack profile, not over a gateway: a backup must be possible whatever the gateway does,
 * and a restore comes before there is one.
 */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { fail } from '#domain/errors.ts';
import { parseTopicPosition } from '#domain/ports/position.ts';
import { parseTime } from '#domain/values/time.ts';
import type { Until } from '#infra/backup/choose-backup.ts';
import type { Restored } from '#infra/profiles/embedded-restore.ts';
import { contextOf } from '../context.ts';
import {
  addStackServerOptions,
  profileOption,
  type StackServerOptions,
  stackAddressesOf,
} from '../stack-options.ts';
import { showTime, table } from '../table.ts';
import { durationOption, wholeOption } from '../usage.ts';

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

interface BackupOptions extends StackServerOptions {
  readonly profile: 'embedded' | 'stack';
  readonly data: string;
}

const makeBackup = async (to: string, options: BackupOptions) => {
  if (options.profile === 'stack') {
    const { backUpStack } = await import('#infra/profiles/stack-backup.ts');
    return backUpStack({ addresses: await stackAddressesOf(options), to });
  }
  const { backUpEmbedded } = await import('#infra/profiles/embedded-backup.ts');
  return backUpEmbedded({ dataDirectory: options.data, to });
};

const backUp = async (to: string, options: BackupOptions, command: Command): Promise<void> => {
  const { json, document, print } = contextOf(command);
  const done = await makeBackup(to, options);
  if (json) return document(done);
  const { id, time, bytes, newBytes, newFiles, registry } = done;
  print(
    `backup ${id} in ${resolve(to)}: all that was acknowledged before ${showTime(time)}, registry at ${registry}; ${megabytes(bytes)}, of which ${megabytes(newBytes)} in ${newFiles} files are new`,
  );
};

const list = async (from: string, _options: unknown, command: Command): Promise<void> => {
  const { json, records, print } = contextOf(command);
  const { openBackups } = await import('#infra/backup/backup-directory.ts');
  const { backups } = (await openBackups(from)).catalog;
  if (json) return records(backups);
  const rows = backups.map((b) => [
    b.id,
    showTime(b.time),
    b.registry,
    b.audit?.sequence ?? 0,
    megabytes(b.bytes),
    megabytes(b.newBytes),
  ]);
  print(table(['id', 'complete until', 'registry', 'audit', 'size', 'new'], rows));
};

const verify = async (from: string, _options: unknown, command: Command): Promise<void> => {
  const { json, document, print, message } = contextOf(command);
  const { openBackups } = await import('#infra/backup/backup-directory.ts');
  const { verifyBackups } = await import('#infra/backup/verify-backups.ts');
  const found = await verifyBackups(await openBackups(from));
  const damaged = found.backups.filter(({ damage }) => damage.length > 0);
  if (json) {
    document(found);
    if (damaged.length > 0) process.exitCode = 1;
    return;
  }
  for (const { id, damage } of damaged) for (const each of damage) message(`${id}: ${each}`);
  if (damaged.length > 0)
    fail(
      'MR_DATA_DAMAGED',
      `${damaged.length} of ${found.backups.length} backups are damaged: ${damaged.map(({ id }) => id).join(', ')}`,
    );
  print(
    `${found.backups.length} backups are whole: ${found.files} files, ${megabytes(found.bytes)} read`,
  );
};

interface PruneCommandOptions {
  readonly keep?: number;
  /** ms */
  readonly olderThan?: number;
  readonly evenLast?: boolean;
}

const prune = async (
  from: string,
  { keep, olderThan: olderThanMs, evenLast }: PruneCommandOptions,
  command: Command,
): Promise<void> => {
  const { json, document, print } = contextOf(command);
  const { prunedText, pruneBackups } = await import('#infra/backup/prune-backups.ts');
  const done = await pruneBackups({ from, keep, olderThanMs, evenLast });
  if (json) document(done);
  else print(prunedText(done));
};

/** A text with an @ is a position: no time has one. */
const untilOf = (text: string): Until =>
  text.includes('@') ? parseTopicPosition(text) : { time: parseTime(text) };

export interface RestoreBackupOptions extends Partial<StackServerOptions> {
  readonly profile?: 'embedded' | 'stack';
  /** of the embedded profile */
  readonly data?: string;
  readonly backup?: string;
  readonly until?: string;
}

const restoredText = (
  { backup, logTime, registry, history }: Omit<Restored, 'dataDirectory'>,
  place: string,
): string =>
  [
    `${backup} is restored to ${place}: the newest event was accepted at ${showTime(logTime)}, the registry is at ${registry}`,
    ...history.map(({ topic, became }) =>
      became === 'deleted'
        ? `the history of ${topic} begins anew: \`millrace serve\` writes it from the log`
        : `the history of ${topic} is taken back; \`millrace serve\` writes the rest from the log`,
    ),
  ].join('\n');

export const restoreBackup = async (
  from: string,
  { profile, data, backup, until, ...servers }: RestoreBackupOptions,
  command: Command,
): Promise<void> => {
  const { json, document, print } = contextOf(command);
  const chosen = {
    from,
    ...(backup === undefined ? {} : { backup }),
    ...(until === undefined ? {} : { until: untilOf(until) }),
  };
  if (profile === 'stack') {
    const { restoreStack } = await import('#infra/profiles/stack-restore.ts');
    const addresses = await stackAddressesOf(servers as StackServerOptions);
    const restored = await restoreStack({ ...chosen, addresses });
    return json ? document(restored) : print(restoredText(restored, 'the servers of the stack'));
  }
  const { restoreEmbedded } = await import('#infra/profiles/embedded-restore.ts');
  const restored = await restoreEmbedded({ ...chosen, dataDirectory: data as string });
  if (json) document(restored);
  else print(restoredText(restored, restored.dataDirectory));
};

export const addBackup = (program: Command): void => {
  const backup = program.command('backup');
  addStackServerOptions(
    backup
      .description('back up a platform, also while it runs; list or verify backups')
      .argument('<to>', 'directory of backups; a further backup adds only what is new')
      .addOption(profileOption().default('embedded'))
      .option('--data <dir>', 'profile embedded: data directory of the platform', '.millrace'),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  millrace backup /mnt/backups --data ./data\n  millrace backup /mnt/backups --profile stack\n  millrace backup list /mnt/backups\n  millrace backup verify /mnt/backups\n  millrace restore /mnt/backups --data ./restored',
    )
    .action(backUp);
  backup
    .command('list')
    .description('list the backups of a directory, oldest first')
    .argument('<from>', 'directory of backups')
    .addHelpText('after', '\nExample:\n  millrace backup list /mnt/backups')
    .action(list);
  backup
    .command('verify')
    .description('read every file of all backups and compare its checksum; exit with 1 if damaged')
    .argument('<from>', 'directory of backups')
    .addHelpText('after', '\nExample:\n  millrace backup verify /mnt/backups')
    .action(verify);
  backup
    .command('prune')
    .description('delete backups, and the content that no kept backup has')
    .argument('<from>', 'directory of backups')
    .option('--keep <n>', 'how many of the newest backups are kept', wholeOption('--keep'))
    .option(
      '--older-than <age>',
      'delete those that are older, such as 30d',
      durationOption('--older-than'),
    )
    .option('--even-last', 'also the newest backup, which is kept otherwise')
    .addHelpText(
      'after',
      '\nExamples:\n  millrace backup prune /mnt/backups --keep 30\n  millrace backup prune /mnt/backups --older-than 90d',
    )
    .action(prune);
};
