/** What an erasure of the stack needs of the registry's database. */
import { join } from 'node:path';
import type { Definition } from '#domain/definitions/model.ts';
import type { Remains } from '#domain/erasure/certificate.ts';
import type { EntityTexts } from '#domain/erasure/scope.ts';
import { MillraceError } from '#domain/errors.ts';
import type { DatasetJob } from '#domain/ports/dataset-jobs.ts';
import type { Commit, EventStore } from '#domain/ports/event-store.ts';
import type { TopicNotes } from '#domain/ports/topic-notes.ts';
import { JOBS_LEASE } from '#infra/mysql/lease.ts';
import type { StackAddresses } from '#infra/stack/addresses.ts';
import { inChain } from './erase-remains.ts';
import { definitionsIn, type EntityIn, entityOf } from './erase-scope.ts';
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
  readonly close: () => Promise<void>;
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

/** @throws MR_ENTITY_INVALID */
export const openErasedRegistry = async (
  addresses: StackAddresses,
  texts: EntityTexts,
): Promise<ErasedRegistry> => {
  const closers: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const one of closers.splice(0).reverse())
      try {
        await one();
      } catch {}
  };
  try {
    const { database, auditStore, eventStore, own } = await openRegistry(
      addresses,
      () => {},
      (one) => closers.push(one),
    );
    const definitions = definitionsIn(await commitsOf(eventStore));
    const entity = entityOf(definitions, texts);
    return {
      platform: await own.id(),
      definitions,
      entity,
      topicNotes: own.topicNotes,
      async isSigned() {
        for (let after = 0; ; ) {
          const page = await auditStore.read(after, PAGE);
          if (page.some((record) => 'signature' in record && record.signature != null)) return true;
          if (page.length === 0) return false;
          after = page.at(-1)?.sequence ?? after;
        }
      },
      async assertNoGateway() {
        const [{ free } = { free: 1 }] = await database.rows<{ free: number }>(
          'SELECT IS_FREE_LOCK(?) AS free',
          [JOBS_LEASE],
        );
        if (Number(free) !== 1)
          throw new MillraceError(
            'MR_DATA_DIR_LOCKED',
            'A gateway runs on this stack. Stop all gateways first.',
          );
      },
      async inChains() {
        const commits = (await commitsOf(eventStore)).filter((one) =>
          entity.isInText(JSON.stringify(one)),
        );
        const audit: number[] = [];
        for (let after = 0; ; ) {
          const page = await auditStore.read(after, PAGE);
          if (page.length === 0) break;
          for (const record of page)
            if (entity.isInText(JSON.stringify(record))) audit.push(record.sequence);
          after = page.at(-1)?.sequence ?? after;
        }
        return [
          inChain(
            'registry commit',
            commits.map(({ position }) => position),
          ),
          inChain('audit record', audit),
        ];
      },
      async dataSetsElsewhere(directories) {
        const rows = await database.rows<{ job: string }>(
          "SELECT job FROM dataset_job WHERE state = 'done'",
        );
        const homes = directories.map((directory) => `${join(directory, 'datasets')}/`);
        const elsewhere = rows
          .map(({ job }) => JSON.parse(job) as DatasetJob)
          .flatMap(({ status: { out }, host }) =>
            out === null || homes.some((home) => out.startsWith(home)) ? [] : [`${host}:${out}`],
          );
        return elsewhere.length === 0
          ? []
          : [
              {
                what: `data sets in other directories: ${elsewhere.slice(0, 20).join(', ')}${elsewhere.length > 20 ? ', …' : ''}`,
                why: 'they were not searched: name the --data of each gateway, or remove the files',
              },
            ];
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};
