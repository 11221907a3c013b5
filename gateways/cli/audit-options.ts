/** The options that protect the audit log from who can write the database. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { fail } from '#domain/errors.ts';
import type { AuditAnchor } from '#domain/ports/audit-anchor.ts';

export interface AuditFlags {
  readonly auditAnchor?: string;
  readonly auditKeyFile?: string;
}

export const addAuditOptions = (command: Command): Command =>
  command
    .option(
      '--audit-anchor <file>',
      "file, best on another disk, that the audit log's head is appended to; the log must extend it at the next start",
    )
    .option(
      '--audit-key-file <file>',
      'file with a key that signs the records of the audit log, and the lines of --audit-anchor',
    );

const MIN_KEY_BYTES = 32;

const auditKeyOf = (file: string): Buffer => {
  let key: Buffer;
  try {
    key = Buffer.from(readFileSync(file, 'latin1').trim(), 'latin1');
  } catch (error) {
    return fail('MR_FILE_INVALID', `--audit-key-file ${file}: ${(error as Error).message}`, {
      file,
    });
  }
  return key.length >= MIN_KEY_BYTES
    ? key
    : fail(
        'MR_FILE_INVALID',
        `--audit-key-file ${file} has ${key.length} bytes, and needs ${MIN_KEY_BYTES}: \`openssl rand -hex 32\` makes a key`,
        { file },
      );
};

/** Commands load it from infra when they run. */
type AnchorModule = Promise<{
  readonly fileAnchor: (file: string, key: Buffer | undefined) => AuditAnchor;
}>;

/** What a platform that is opened with these options is given. */
export const auditOf = async (
  { auditAnchor, auditKeyFile }: AuditFlags,
  loadAnchor: () => AnchorModule,
): Promise<{
  readonly auditAnchor: AuditAnchor | undefined;
  readonly auditKey: Uint8Array | undefined;
}> => {
  const auditKey = auditKeyFile === undefined ? undefined : auditKeyOf(auditKeyFile);
  // Without an anchor, the head is in the database only.
  if (auditAnchor === undefined) return { auditAnchor, auditKey };
  const { fileAnchor } = await loadAnchor();
  return { auditAnchor: fileAnchor(resolve(auditAnchor), auditKey), auditKey };
};
