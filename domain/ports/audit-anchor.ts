/**
 * A copy of the audit chain's head outside the platform's database. Whoever can rewrite the
 * database cannot take back what the anchor has.
 *
 * Promise (infra/audit-anchor/file-anchor.unit.test.ts): `append` is durable when it resolves, and
 * `last` returns what was appended last.
 */
import type { AuditHead } from './audit-store.ts';

export interface AuditAnchor {
  /** for messages: where it is */
  readonly place: string;
  /**
   * null: nothing is anchored yet
   * @throws MR_STORAGE_FAILED where the anchor is damaged, or its signature is not right
   */
  readonly last: () => Promise<AuditHead | null>;
  readonly append: (head: AuditHead, time: number) => Promise<void>;
}
