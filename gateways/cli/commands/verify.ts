import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Verification } from '#domain/api/verification.ts';
import { fail } from '#domain/errors.ts';
import { contextOf } from '../context.ts';
import { progressLine } from '../progress-line.ts';
import { table } from '../table.ts';

interface VerifyOptions {
  readonly data: string;
  readonly deep: boolean;
}

interface RepairOptions {
  readonly data: string;
  readonly acceptLoss: boolean;
}

const DEFAULT_DIRECTORY = '.millrace';

const summary = ({ checked, withoutChecksum, deep }: Verification): string => {
  const { records, commits, states, tables, files, bytes } = checked;
  const mib = (bytes / 2 ** 20).toFixed(1);
  const unchecked =
    withoutChecksum === 0 ? '' : `; ${withoutChecksum} rows of an earlier release have no checksum`;
  return `${deep ? 'checked and decoded' : 'checked'} ${records} records, ${commits} commits, ${states} states, ${tables} tables with ${files} files, ${mib} MiB${unchecked}`;
};

/** Prints what was found, and exits with 1 if something is damaged. */
export const showVerification = (data: string, found: Verification, command: Command): void => {
  const { json, document, print } = contextOf(command);
  if (json) document(found);
  else {
    print(summary(found));
    if (found.damage.length > 0)
      print(
        table(
          ['part', 'damaged', 'why', 'millrace repair'],
          found.damage.map(({ part, what, why, repair }) => [
            part,
            what,
            why,
            repair === null ? 'cannot rebuild it: restore a backup' : `can ${repair}`,
          ]),
        ),
      );
  }
  if (found.damage.length === 0) return;
  if (json) process.exitCode = 1;
  else
    fail(
      'MR_DATA_DAMAGED',
      `${found.damage.length === 1 ? 'one part' : `${found.damage.length} parts`} of ${data} ${found.damage.length === 1 ? 'is' : 'are'} damaged`,
    );
};

const verify = async ({ data, deep }: VerifyOptions, command: Command): Promise<void> => {
  const { verifyEmbedded } = await import('#infra/profiles/embedded-verify.ts');
  const line = progressLine();
  const found = await verifyEmbedded({
    dataDirectory: resolve(data),
    deep,
    onProgress: line.show,
  }).finally(line.end);
  showVerification(data, found, command);
};

const repair = async ({ data, acceptLoss }: RepairOptions, command: Command): Promise<void> => {
  const { repairEmbedded } = await import('#infra/profiles/embedded-repair.ts');
  const { json, document, print } = contextOf(command);
  const line = progressLine();
  const repairs = await repairEmbedded({
    dataDirectory: resolve(data),
    acceptLoss,
    onProgress: line.show,
  }).finally(line.end);
  const lost = repairs.filter((one) => one.lost);
  if (json) document({ repairs });
  else if (repairs.length === 0) print('nothing is damaged');
  else
    print(
      table(
        ['what', 'done'],
        repairs.map(({ what, done }) => [what, done]),
      ),
    );
  if (lost.length === 0) return;
  if (json) process.exitCode = 1;
  else fail('MR_DATA_DAMAGED', `${lost.length} of ${repairs.length} could not be rebuilt`);
};

export const addVerify = (program: Command): void => {
  program
    .command('verify')
    .description('check every stored byte of a data directory, without changing it')
    .option('--data <directory>', 'data directory; a server may run on it', DEFAULT_DIRECTORY)
    .option('--deep', 'also decode every record and row, and look for missing ones', false)
    .addHelpText(
      'after',
      '\nExits with 1 if something is damaged.\n\nExample:\n  millrace verify --data ./data --deep',
    )
    .action(verify);
  program
    .command('repair')
    .description('rebuild what is damaged in a data directory, and name what cannot be rebuilt')
    .option('--data <directory>', 'data directory; no server may run on it', DEFAULT_DIRECTORY)
    .option(
      '--accept-loss',
      'go on where acknowledged transactions are lost (a damaged write-ahead log)',
      false,
    )
    .addHelpText(
      'after',
      '\nExits with 1 if something could not be rebuilt.\n\nExample:\n  millrace repair --data ./data',
    )
    .action(repair);
};
