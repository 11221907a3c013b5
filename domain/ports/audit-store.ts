/**
 * The store of the audit log's hash chain.
 *
 * Promises (tests/contracts/audit-store.contract.ts):
 * - `append` is atomic, and durable when it resolves. Records that follow the head are added;
 *   stored ones are left out, so several processes may write the same chain. A record that does not
 *   follow the head (a gap, or another previous hash) is MR_STORAGE_FAILED, and nothing of its
 *   batch is added: a forked chain is never stored.
 * - `begin` marks the store, durably, as one that has a chain, and changes nothing where it is
 *   marked. `begun` is whether it is marked, or has a head.
 * - `head` is stored apart from the records: it names the newest record that was ever appended, so
 *   a cut-off tail is detected.
 */

import type { AuditHead, AuditRecord } from '#domain/api/audit.ts';
import { MillraceError } from '../errors.ts';

export type { AuditHead };

/** The hash before the first record. */
export const GENESIS = '0'.repeat(64);

export interface AuditStore {
  append(records: readonly AuditRecord[]): Promise<void>;
  /** Records after `sequence`, in order. */
  read(sequence: number, limit: number): Promise<readonly AuditRecord[]>;
  /** null: there is no record yet */
  head(): Promise<AuditHead | null>;
  begin(): Promise<void>;
  begun(): Promise<boolean>;
}

/**
 * Checks an append, called by adapters under their lock.
 * @returns the records that are new
 * @throws MR_STORAGE_FAILED where one does not follow the record before it
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
