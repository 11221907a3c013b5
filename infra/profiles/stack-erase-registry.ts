/** What an erasure of the stack needs of the registry's database. */
import type { AuditRecord } from '#domain/api/audit.ts';
import type { Opened } from '#domain/closing.ts';
import type { Definition } from '#domain/definitions/model.ts';
import type { Remains } from '#domain/erasure/certificate.ts';
import type { EntityTexts } from '#domain/erasure/scope.ts';
import type { AuditStore } from '#domain/ports/audit-store.ts';
import type { DatasetJob } from '#domain/ports/dataset-jobs.ts';
import type { Commit, EventStore } from '#domain/ports/event-store.ts';
import type { TopicNotes } from '#domain/ports/topic-notes.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';
import { inChain } from './erase-remains.ts';
import { definitionsIn, type EntityIn, entityOf } from './erase-scope.ts';
import { assertNoGateway } from './no-gateway.ts';
import { dataSetsElsewhere } from './stack-erase-files.ts';
import { openRegistry } from './stack-stores.ts';

export interface ErasedRegistry {
  readonly platform: string;
  readonly definitions: readonly Definition[];
  readonly entity: EntityIn;
  readonly topicNotes: TopicNotes;
  /** Whether the audit log has a signed record. */
  readonly isSigned: () => Promise<boolean>;
  /** @throws MR_DATA_DIR_LOCKED */
  readonly assertNoGateway: () => Promise<void>;
  /** Commits and audit records that name the entity. */
  readonly inChains: () => Promise<readonly Remains[]>;
  /** Data sets that were built in other directories than these. */
  readonly dataSetsElsewhere: (directories: readonly string[]) => Promise<readonly Remains[]>;
}

const PAGE = 1000;

const commitsOf = async (store: EventStore): Promise<readonly Commit[]> => {
  const all: Commit[] = [];
  for (;;) {
    const page = await store.readAll(all.at(-1)?.position ?? 0, PAGE);
    if (page.length === 0) return all;
    all.push(...page);
  }
};

async function* auditRecords(store: AuditStore): AsyncGenerator<AuditRecord> {
  for (let after = 0; ; ) {
    const page = await store.read(after, PAGE);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.sequence;
  }
}

/**
 * @param options.readOnly true: nothing is written
 * @throws MR_ENTITY_INVALID
 */
export const openErasedRegistry = async (
  addresses: StackAddresses,
  texts: EntityTexts,
  opened: Opened,
  options: { readonly readOnly?: boolean } = {},
): Promise<ErasedRegistry> => {
  const { database, auditStore, eventStore, own } = await openRegistry(
    addresses,
    () => {},
    opened,
    options,
  );
  const commits = await commitsOf(eventStore);
  const definitions = definitionsIn(commits);
  const entity = entityOf(definitions, texts);
  return {
    platform: await own.id(),
    definitions,
    entity,
    topicNotes: own.topicNotes,
    async isSigned() {
      for await (const record of auditRecords(auditStore))
        if (record.signature != null) return true;
      return false;
    },
    assertNoGateway: () => assertNoGateway(database),
    async inChains() {
      const named = commits.filter((one) => entity.isInText(JSON.stringify(one)));
      const audit: number[] = [];
      for await (const record of auditRecords(auditStore))
        if (entity.isInText(JSON.stringify(record))) audit.push(record.sequence);
      const positions = named.map(({ position }) => position);
      return [inChain('registry commit', positions), inChain('audit record', audit)];
    },
    async dataSetsElsewhere(directories) {
      const rows = await database.rows<{ job: string }>(
        "SELECT job FROM dataset_job WHERE state = 'done'",
      );
      return dataSetsElsewhere(
        rows.map(({ job }) => JSON.parse(job) as DatasetJob),
        directories,
      );
    },
  };
};
