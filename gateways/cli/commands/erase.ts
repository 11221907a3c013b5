/**
 * `erase`: of a data directory or a stack of this machine, on which no server or gateway runs, or
 * with --url of a running server, which closes its platform meanwhile. `erase verify` works on a
 * data directory or a stack.
 */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { ErasureStatus } from '#domain/api/erasures.ts';
import type { SignedCertificate } from '#domain/erasure/certificate.ts';
import type { EntityTexts } from '#domain/erasure/scope.ts';
import { fail } from '#domain/errors.ts';
import type { ErasureVerification } from '#infra/profiles/embedded-erase-verify.ts';
import { addAuditOptions, auditOf } from '../audit-options.ts';
import { path } from '../client.ts';
import { contextOf } from '../context.ts';
import { entityQuotaOption } from '../entity-quota-option.ts';
import { type EraseOptions, entityOf, refuseForeign } from '../erase-options.ts';
import { eraseRunning } from '../erase-running.ts';
import { certificateText, erasureText, plural } from '../erasure-text.ts';
import { progressLine } from '../progress-line.ts';
import { addLocalStackOptions, basePortOf, profileOption } from '../stack-options.ts';
import { showTime, table } from '../table.ts';
import { UsageError } from '../usage.ts';

const inDirectory = async (
  options: EraseOptions,
  entity: EntityTexts,
): Promise<SignedCertificate> => {
  const { data, backups, reason = '', removeBackups, entityQuota } = options;
  const { auditKeySigner, signCertificate } = await import('#infra/profiles/sign-certificate.ts');
  const audit = await auditOf(options, () => import('#infra/audit-anchor/file-anchor.ts'));
  const { eraseEmbedded } = await import('#infra/profiles/embedded-erase.ts');
  const line = progressLine();
  const certificate = await eraseEmbedded({
    dataDirectory: resolve(data),
    entity,
    reason,
    removeBackups,
    ...audit,
    ...(entityQuota === undefined ? {} : { entityQuotas: entityQuota }),
    ...(backups === undefined ? {} : { backups }),
    onProgress: line.show,
  }).finally(line.end);
  return signCertificate(certificate, auditKeySigner(audit.auditKey));
};

/** The port is that of the last start, unless it is given. */
const stackOf = (
  { stack, stackPort }: EraseOptions,
  command: Command,
): { readonly directory: string; readonly basePort: number } => {
  const directory = resolve(stack);
  const isGiven = command.getOptionValueSourceWithGlobals('stackPort') === 'cli';
  return { directory, basePort: isGiven ? stackPort : basePortOf(directory) };
};

const inStack = async (options: EraseOptions, command: Command): Promise<SignedCertificate> => {
  const { gateways, backups, removeBackups } = options;
  const place = stackOf(options, command);
  const { auditKeySigner, signCertificate } = await import('#infra/profiles/sign-certificate.ts');
  const { begunErasure } = await import('#infra/profiles/stack-erase-requests.ts');
  const begun = options.entity === undefined ? begunErasure(place.directory) : null;
  const { entity, reason } = begun ?? {
    entity: entityOf(options.entity),
    reason: options.reason ?? '',
  };
  const audit = await auditOf(options, () => import('#infra/audit-anchor/file-anchor.ts'));
  const { eraseStack } = await import('#infra/profiles/stack-erase.ts');
  const line = progressLine();
  const certificate = await eraseStack({
    ...place,
    entity,
    reason,
    removeBackups,
    ...audit,
    ...(gateways === undefined ? {} : { dataDirectories: gateways }),
    ...(backups === undefined ? {} : { backups }),
    onProgress: line.show,
  }).finally(line.end);
  return signCertificate(certificate, auditKeySigner(audit.auditKey));
};

const erase = async (_options: unknown, command: Command): Promise<void> => {
  const options = command.optsWithGlobals<EraseOptions>();
  const { backups, reason = '', certificate: file, keyFile, removeBackups, url } = options;
  const { client, json, document, print, message } = contextOf(command);
  refuseForeign(options, command);
  // On a stack, one that was begun is finished without it.
  const entity = options.profile === 'stack' ? {} : entityOf(options.entity);
  if (removeBackups && backups === undefined)
    throw new UsageError('--remove-backups needs --backups DIRECTORY …');
  if (url !== undefined && backups !== undefined)
    throw new UsageError('--backups needs --data, not --url: they are on this machine');
  for (const option of ['auditKeyFile', 'auditAnchor', 'entityQuota'] as const)
    if (url !== undefined && options[option] !== undefined)
      throw new UsageError(
        `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} needs --data, not --url: a running server uses its own`,
      );
  if (url !== undefined && command.getOptionValueSource('data') === 'cli')
    throw new UsageError('give --data, of a stopped platform, or --url, of a running one');
  const { signCertificate, signerOf } = await import('#infra/profiles/sign-certificate.ts');
  // A key that cannot sign is refused before anything is removed.
  const signer = keyFile === undefined ? null : signerOf(keyFile);
  const made =
    options.profile === 'stack'
      ? await inStack(options, command)
      : url === undefined
        ? await inDirectory(options, entity)
        : await eraseRunning(client, { entity, reason }, message);
  const signed = signer === null ? made : signCertificate(made.certificate, signer);
  if (file !== undefined) await writeFile(file, `${JSON.stringify(signed, null, 2)}\n`);
  if (json) document(signed);
  else print(certificateText(signed));
};

const list = async (_options: unknown, command: Command): Promise<void> => {
  const { client, json, records, print } = contextOf(command);
  const all = await client.get<readonly ErasureStatus[]>('/v1/erasures');
  if (json) return records(all);
  print(
    table(
      ['id', 'state', 'requested', 'reason'],
      all.map(({ id, state, at, reason }) => [id, state, showTime(at), reason ?? '']),
    ),
  );
};

const show = async (id: string, _options: unknown, command: Command): Promise<void> => {
  const { client, json, document, print } = contextOf(command);
  const status = await client.get<ErasureStatus>(path('v1', 'erasures', id));
  if (json) return document(status);
  print(erasureText(status));
  if (status.state !== 'done') return;
  print(
    certificateText(
      await client.get<SignedCertificate>(`${path('v1', 'erasures', id)}/certificate`),
    ),
  );
};

const verification = async (
  options: EraseOptions,
  command: Command,
): Promise<ErasureVerification> => {
  const entity = entityOf(options.entity);
  refuseForeign(options, command);
  const line = progressLine();
  const common = {
    entity,
    ...(options.backups === undefined ? {} : { backups: options.backups }),
    onProgress: line.show,
  };
  if (options.profile === 'embedded') {
    const { verifyErasure } = await import('#infra/profiles/embedded-erase-verify.ts');
    return verifyErasure({ ...common, dataDirectory: resolve(options.data) }).finally(line.end);
  }
  const { verifyStackErasure } = await import('#infra/profiles/stack-erase-verify.ts');
  const { stackAddresses } = await import('#infra/stack/addresses.ts');
  const { directory, basePort } = stackOf(options, command);
  return verifyStackErasure({
    ...common,
    addresses: stackAddresses(directory, basePort),
    ...(options.gateways === undefined ? {} : { dataDirectories: options.gateways }),
  }).finally(line.end);
};

const verify = async (_options: unknown, command: Command): Promise<void> => {
  // Commander gives options that `erase` has too to `erase`.
  const options = command.optsWithGlobals<EraseOptions>();
  const { json, document, print } = contextOf(command);
  const found = await verification(options, command);
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
  const gatewaysOption = [
    '--gateways <directory...>',
    'profile stack: the --data of each gateway of this machine; data sets are in there',
  ] as const;
  const erased = addLocalStackOptions(
    addAuditOptions(program.command('erase')).addOption(profileOption().default('embedded')),
  )
    .description('remove all that a data directory, a stack or a running server has of one entity')
    .option(...gatewaysOption)
    .option('--entity <key=value...>', 'every key of the entity')
    .option(
      '--reason <text>',
      'why, for the certificate and the audit log; it must not name the entity',
    )
    .option(
      '--data <directory>',
      'data directory that no server runs on; or give --url',
      '.millrace',
    )
    .option('--certificate <file>', 'write the certificate to this file, as JSON')
    .option(
      '--key-file <file>',
      'sign it: an Ed25519 private key in PEM, or a secret for HMAC; default: the audit key signs it',
    )
    .option('--backups <directory...>', 'directories of backups: the certificate names them')
    .addOption(entityQuotaOption())
    .option('--remove-backups', 'delete all backups of these directories', false)
    .addHelpText(
      'after',
      '\nIt cannot be undone. After a kill, run it again. Give --audit-key-file, --audit-anchor and --entity-quota as `serve` has them: values of others are computed anew.\n\nExamples:\n  millrace erase --entity user=u-1842 --reason "request 77" --data ./data --certificate 77.json\n  millrace erase --entity user=u-1842 --reason "request 77" --url http://127.0.0.1:7411\n  millrace erase --entity user=u-1842 --reason "request 77" --profile stack --gateways ./data\n  millrace erase verify --entity user=u-1842 --data ./data',
    )
    .action(erase);
  erased
    .command('list')
    .description('list the erasures of a running server')
    .addHelpText('after', '\nExample:\n  millrace erase list')
    .action(list);
  erased
    .command('show')
    .description('show an erasure of a running server, and its certificate when it has ended')
    .argument('<id>', 'id of the erasure, from `millrace erase list`')
    .addHelpText('after', '\nExample:\n  millrace erase show 3f9a1c0b7d2e4a5b-1')
    .action(show);
  addLocalStackOptions(erased.command('verify').addOption(profileOption().default('embedded')))
    .description('look for an entity in every byte of a directory; exit with 1 if found')
    .option(...gatewaysOption)
    .option('--entity <key=value...>', 'every key of the entity')
    .option('--data <directory>', 'data directory; a server may run on it', '.millrace')
    .option('--backups <directory...>', 'search these directories of backups, too')
    .addHelpText(
      'after',
      '\nExample:\n  millrace erase verify --entity user=u-1842 --data ./data --backups /mnt/backups\n  millrace erase verify --entity user=u-1842 --profile stack --gateways ./data',
    )
    .action(verify);
};
