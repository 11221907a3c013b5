/**
 * `erase` and `erase verify`. They work on a data directory of this machine: an erasure rewrites
 * what a running platform has open and in memory.
 */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { SignedCertificate } from '#domain/erasure/certificate.ts';
import type { EntityTexts } from '#domain/erasure/scope.ts';
import { fail } from '#domain/errors.ts';
import { contextOf } from '../context.ts';
import { progressLine } from '../progress-line.ts';
import { table } from '../table.ts';
import { UsageError } from '../usage.ts';

interface EraseOptions {
  readonly data: string;
  readonly entity?: readonly string[];
  readonly backups?: readonly string[];
  readonly reason?: string;
  readonly certificate?: string;
  readonly keyFile?: string;
  readonly removeBackups: boolean;
}

const entityOf = (pairs: readonly string[] | undefined): EntityTexts => {
  if (pairs === undefined)
    throw new UsageError('an entity is required: --entity key=value …, with every key');
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new UsageError(`"${pair}" is no key=value`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
};

const plural = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;

const summary = ({ certificate, signature }: SignedCertificate): string => {
  const { removed, contained, remains, entity } = certificate;
  const removedRows = [
    ...Object.entries(removed.records).map(([topic, n]) => [topic, plural(n, 'position')]),
    ...Object.entries(removed.history).map(([topic, { files, snapshots }]) => [
      `history of ${topic}`,
      `${plural(files, 'file')} rewritten, ${plural(snapshots, 'snapshot')} expired`,
    ]),
    ...Object.entries(removed.states).map(([file, how]) => [`state ${file}`, how]),
    ...contained.dataSets.map((name) => [`data set ${name}`, 'removed']),
    ...removed.backups.map((directory) => [`backups in ${directory}`, 'removed']),
  ];
  return [
    `erasure ${entity.digest}: ${signature === null ? 'not signed' : `signed, ${signature.algorithm}`}`,
    removedRows.length === 0 ? 'nothing had the entity' : table(['where', 'removed'], removedRows),
    `answers that had it: ${contained.answers.map(({ service, requestId }) => `${service} ${requestId}`).join(', ') || 'none'}`,
    table(
      ['remains', 'why'],
      remains.map(({ what, why }) => [what, why]),
    ),
  ].join('\n');
};

const erase = async (options: EraseOptions, command: Command): Promise<void> => {
  const { data, backups, reason, certificate: file, keyFile, removeBackups } = options;
  const { json, document, print } = contextOf(command);
  const entity = entityOf(options.entity);
  if (removeBackups && backups === undefined)
    throw new UsageError('--remove-backups needs --backups DIRECTORY …');
  const { eraseEmbedded } = await import('#infra/profiles/embedded-erase.ts');
  const { signCertificate, signerOf } = await import('#infra/profiles/sign-certificate.ts');
  // A key that cannot sign is refused before anything is removed.
  const signer = keyFile === undefined ? null : signerOf(keyFile);
  const line = progressLine();
  const certificate = await eraseEmbedded({
    dataDirectory: resolve(data),
    entity,
    reason: reason ?? '',
    removeBackups,
    ...(backups === undefined ? {} : { backups }),
    onProgress: line.show,
  }).finally(line.end);
  const signed = signCertificate(certificate, signer);
  if (file !== undefined) await writeFile(file, `${JSON.stringify(signed, null, 2)}\n`);
  if (json) document(signed);
  else print(summary(signed));
};

const verify = async (_options: unknown, command: Command): Promise<void> => {
  // Commander gives options that `erase` has too to `erase`.
  const options = command.optsWithGlobals<EraseOptions>();
  const { json, document, print } = contextOf(command);
  const { verifyErasure } = await import('#infra/profiles/embedded-erase-verify.ts');
  const line = progressLine();
  const found = await verifyErasure({
    dataDirectory: resolve(options.data),
    entity: entityOf(options.entity),
    ...(options.backups === undefined ? {} : { backups: options.backups }),
    onProgress: line.show,
  }).finally(line.end);
  const { files, bytes, bytesSearched, traces } = found;
  if (json) document(found);
  else {
    if (traces.length > 0)
      print(
        table(
          ['where', 'what'],
          traces.map(({ where, what }) => [where, what]),
        ),
      );
    print(
      `searched ${plural(files, 'file')}, ${(bytes / 2 ** 20).toFixed(1)} MiB${bytesSearched ? '' : '; the key is too short to search bytes for it, so only values were compared'}`,
    );
  }
  if (traces.length === 0) return;
  if (json) process.exitCode = 1;
  else fail('MR_REFUSED', `the entity was found in ${plural(traces.length, 'place')}`);
};

export const addErase = (program: Command): void => {
  const erased = program
    .command('erase')
    .description('remove all that a data directory has of one entity, and certify it')
    .option('--entity <key=value...>', 'every key of the entity')
    .option('--reason <text>', 'why, for the certificate')
    .option('--data <directory>', 'data directory; no server may run on it', '.millrace')
    .option('--certificate <file>', 'write the certificate to this file, as JSON')
    .option('--key-file <file>', 'sign it: an Ed25519 private key in PEM, or a secret for HMAC')
    .option('--backups <directory...>', 'directories of backups: the certificate names them')
    .option('--remove-backups', 'delete all backups of these directories', false)
    .addHelpText(
      'after',
      '\nIt cannot be undone. After a kill, run it again.\n\nExamples:\n  millrace erase --entity user=u-1842 --reason "request 77" --data ./data --certificate 77.json\n  millrace erase verify --entity user=u-1842 --data ./data',
    )
    .action(erase);
  erased
    .command('verify')
    .description('look for an entity in every byte of a data directory; exit with 1 if found')
    .option('--entity <key=value...>', 'every key of the entity')
    .option('--data <directory>', 'data directory; a server may run on it', '.millrace')
    .option('--backups <directory...>', 'search these directories of backups, too')
    .addHelpText(
      'after',
      '\nExample:\n  millrace erase verify --entity user=u-1842 --data ./data --backups /mnt/backups',
    )
    .action(verify);
};
