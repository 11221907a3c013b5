/** The audit log. */
import type { Audit } from '#domain/api/audit.ts';
import { type Anchoring, openAnchoring } from '#projections/audit/anchoring.ts';
import { type AuditLog, openAudit } from '#projections/audit/audit.ts';
import { auditSigner } from '#projections/audit/signatures.ts';
import type { PlatformDependencies } from './dependencies.ts';

type AuditDependencies = Pick<
  PlatformDependencies,
  'eventStore' | 'auditStore' | 'auditAnchor' | 'auditKey' | 'now' | 'warn'
>;

/** The chain, with its signatures and its anchor. */
export const openAuditLog = async ({
  eventStore,
  auditStore,
  auditAnchor,
  auditKey,
  now,
  warn,
}: AuditDependencies): Promise<{
  readonly audit: AuditLog;
  readonly closeAudit: () => Promise<void>;
}> => {
  let anchoring: Anchoring | null = null;
  const audit = await openAudit(eventStore, auditStore, {
    grown: () => anchoring?.note(),
    signer: auditKey === undefined ? undefined : auditSigner(auditKey),
  });
  if (auditAnchor !== undefined)
    try {
      anchoring = await openAnchoring({ store: auditStore, anchor: auditAnchor, now, warn });
    } catch (error) {
      await audit.close();
      throw error;
    }
  return {
    audit,
    async closeAudit() {
      await audit.close();
      await anchoring?.close();
    },
  };
};

export const createAudit = ({
  log,
  verify,
  head,
  publicKey,
}: Pick<AuditLog, 'log' | 'verify' | 'head' | 'publicKey'>): Audit => ({
  log: (query) => log(query),
  verify: (expected) => verify(expected),
  head: () => head(),
  publicKey: async () => publicKey,
});
