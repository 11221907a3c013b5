/**
 * Where the audit chain is kept.
 *
 * Promises (tests/contracts/audit-store.contract.ts):
 * - `append` is durable when it resolves and atomic; what follows the head is added, what is there
 *   already changes nothing, so that several processes may make the same chain. A record that does
 *   not follow the head (a gap, another hash before it) is MR_STORAGE_FAILED, and nothing of its
 *   batch is added: a chain that forked is never stored.
 * - `head` names the newest record that was ever appended, apart from the records, so that a
 *   cut-off tail shows.
 */

import type { AuditRecord } from '#domain/api/audit.ts';
import { MillraceError } from '../errors.ts';

export interface AuditHead {
  readonly sequence: number;
  readonly hash: string;
}

/** The hash before the first record. */
export const GENESIS = '0'.repeat(64);

export interface AuditStore {
  append(records: readonly AuditRecord[]): Promise<void>;
  /** Records after `sequence`, in order. */
  read(sequence: number, limit: number): Promise<readonly AuditRecord[]>;
  head(): Promise<AuditHead | null>;
}

/**
 * What an adapter asks under its lock. @returns the records that are new, each following the one
 * before it
 */
export const followingRecords = (
  head: AuditHead | null,
  records: readonly AuditRecord[],
): readonly AuditRecord[] => {
  const start = head?.sequence ?? 0;
  const fresh = records.filter(({ sequence }) => sequence > start);
  let before: AuditHead = head ?? { sequence: 0, hash: GENESIS };
  for (const record of fresh) {
    if (record.sequence !== before.sequence + 1 || record.previous !== before.hash)
      throw new MillraceError(
        'MR_STORAGE_FAILED',
        `audit record ${record.sequence} does not follow record ${before.sequence}, which the chain ends with: see \`millrace audit verify\``,
        { sequence: record.sequence, head: start },
      );
    before = record;
  }
  return fresh;
};
