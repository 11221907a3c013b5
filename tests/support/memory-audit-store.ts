/** An audit store whose records a test can change. */

import type { AuditRecord } from '#domain/api/audit.ts';
import type { AuditHead, AuditStore } from '#domain/ports/audit-store.ts';

export interface MemoryAuditStore extends AuditStore {
  records: AuditRecord[];
}

export const memoryAuditStore = (): MemoryAuditStore => {
  let head: AuditHead | null = null;
  let begun = false;
  const store: MemoryAuditStore = {
    records: [],
    async append(records) {
      store.records.push(...records);
      const last = records.at(-1);
      if (last !== undefined) head = { sequence: last.sequence, hash: last.hash };
    },
    read: async (sequence, limit) =>
      store.records.filter((r) => r.sequence > sequence).slice(0, limit),
    head: async () => head,
    async begin() {
      begun = true;
    },
    begun: async () => begun || head !== null,
  };
  return store;
};
