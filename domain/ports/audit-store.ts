/**
 * Where the audit chain is kept. Promises: `append` is durable and keeps sequence without a gap; `head` names the newest record that was
 * ever appended, apart from the records, so that a cut-off tail shows.
 */
import type { AuditRecord } from './platform.ts';

export interface AuditHead {
  readonly sequence: number;
  readonly hash: string;
}

export interface AuditStore {
  append(records: readonly AuditRecord[]): Promise<void>;
  /** Records after `sequence`, in order. */
  read(sequence: number, limit: number): Promise<readonly AuditRecord[]>;
  head(): Promise<AuditHead | null>;
}
