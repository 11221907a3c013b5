/**
 * The audit log: one record for each commit of the registry, accepted or refused, with a hash over
 * the record and the hash before it.
 *
 *     hash(n) = SHA-256(hash(n − 1) · canonical JSON of record n without hash and previous)
 *
 * A record that is changed, removed, inserted or moved breaks the chain from there on. `verify`
 * names the first such record. It compares each record with the event store's commit, and the end
 * of the chain with the head, which is stored apart.
 *
 * With a signer, each record is signed, so that the chain cannot be computed anew from some record
 * on without the key. Records from before are not; after the first signed one, all must be.
 */
import { createHash } from 'node:crypto';
import type {
  AuditExpectation,
  AuditQuery,
  AuditRecord,
  AuditVerification,
} from '#domain/api/audit.ts';
import { fail } from '#domain/errors.ts';
import { canonical } from '#domain/expressions/canonical.ts';
import { type AuditHead, type AuditStore, GENESIS } from '#domain/ports/audit-store.ts';
import type { Commit, EventStore } from '#domain/ports/event-store.ts';
import { contradiction } from './anchoring.ts';
import { type AuditSigner, signedWith } from './signatures.ts';

const PAGE = 500;
export const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

type Unchained = Omit<AuditRecord, 'hash' | 'previous' | 'signature'>;

const unchained = (commit: Commit): Unchained => ({
  sequence: commit.position,
  time: commit.command.time,
  actor: commit.command.actor,
  ...(commit.command.principal === undefined ? {} : { principal: commit.command.principal }),
  command: commit.command.type,
  subject: commit.stream,
  reason: commit.command.reason,
  outcome: commit.refusal === null ? 'accepted' : 'refused',
  refusal: commit.refusal,
  events: commit.events,
  commandHash: createHash('sha256')
    .update(canonical({ id: commit.command.id, data: commit.command.data }))
    .digest('hex'),
});

/**
 * Whether a record is that of a commit. Records of old versions have no `commandHash`; its absence
 * is covered by the chain's hash.
 */
const isRecordOf = ({ commandHash, ...rest }: Unchained, record: Unchained): boolean =>
  canonical(record.commandHash === undefined ? rest : { ...rest, commandHash }) ===
  canonical(record);

export const chainHash = (previous: string, record: Unchained): string =>
  createHash('sha256').update(previous).update(canonical(record)).digest('hex');

const chained = (
  previous: string,
  record: Unchained,
  signer: AuditSigner | undefined,
): AuditRecord => {
  const hash = chainHash(previous, record);
  const signature = signer?.sign({ sequence: record.sequence, hash });
  return { ...record, previous, hash, ...(signature === undefined ? {} : { signature }) };
};

const withoutHashes = ({
  hash: _hash,
  previous: _previous,
  signature: _signature,
  ...record
}: AuditRecord): Unchained => record;

export interface AuditLog {
  /** Resolves when all commits so far are in the chain. */
  readonly caughtUp: () => Promise<void>;
  readonly log: (
    query: AuditQuery,
  ) => Promise<{ readonly records: readonly AuditRecord[]; readonly next: number | null }>;
  /** null: there is no record yet */
  readonly head: () => Promise<AuditHead | null>;
  readonly verify: (expected?: AuditExpectation) => Promise<AuditVerification>;
  /** null: this process signs no records */
  readonly publicKey: string | null;
  readonly close: () => Promise<void>;
}

const matches = (
  record: AuditRecord,
  { since, until, actor, subject, kind }: AuditQuery,
): boolean =>
  (since === undefined || record.time >= since) &&
  (until === undefined || record.time <= until) &&
  (actor === undefined || record.actor === actor || record.principal === actor) &&
  (subject === undefined || record.subject === subject || record.subject.endsWith(`/${subject}`)) &&
  (kind === undefined ||
    record.command === kind ||
    record.subject.startsWith(`${kind}/`) ||
    record.events.some((event) => event.type === kind));

/**
 * A chain without records beside commits was deleted, and one that has more records than there are
 * commits belongs to a newer registry. Neither is continued silently.
 *
 * @throws MR_STORAGE_FAILED
 */
const requireOwnChain = async (
  eventStore: Pick<EventStore, 'head'>,
  store: AuditStore,
): Promise<void> => {
  const [head, commits] = [await store.head(), await eventStore.head()];
  if (head === null && commits > 0 && !(await store.begun()))
    fail(
      'MR_STORAGE_FAILED',
      `the registry has ${commits} commits, and its audit log is missing: restore both from one backup`,
      { commits, records: 0 },
    );
  if (head !== null && head.sequence > commits)
    fail(
      'MR_STORAGE_FAILED',
      `the audit log has ${head.sequence} records, and the registry ${commits} commits: commits were removed, or the two are of different times. Restore both from one backup`,
      { commits, records: head.sequence },
    );
  await store.begin();
};

/**
 * The check of signatures, record by record.
 * @returns what is wrong with a record; null: nothing
 */
const signatureCheck = ({ publicKeys = [], signedFrom }: AuditExpectation) => {
  const isSigned = publicKeys.length === 0 ? null : signedWith(publicKeys);
  let first = signedFrom ?? Number.POSITIVE_INFINITY;
  return {
    /** absent: nothing was verified, or nothing is signed */
    from: () =>
      isSigned === null || first === Number.POSITIVE_INFINITY ? {} : { signedFrom: first },
    wrong({ sequence, hash, signature }: AuditRecord): string | null {
      if (isSigned === null) return null;
      if (signature === undefined)
        return sequence < first
          ? null
          : `record ${sequence} is not signed, and records from ${first} on are: it was rewritten without the key, or by a process without one`;
      first = Math.min(first, sequence);
      return isSigned({ sequence, hash }, signature)
        ? null
        : `record ${sequence} is not signed with the key of the audit log: it was rewritten, or the key is another one`;
    },
  };
};

interface AuditOptions {
  /** called when the chain may have grown */
  readonly grown?: () => void;
  /** absent: records are not signed */
  readonly signer?: AuditSigner | undefined;
}

export const openAudit = async (
  eventStore: EventStore,
  store: AuditStore,
  { grown = () => {}, signer }: AuditOptions = {},
): Promise<AuditLog> => {
  await requireOwnChain(eventStore, store);
  let queue: Promise<void> = Promise.resolve();
  const append = async (): Promise<void> => {
    for (;;) {
      const head = await store.head();
      const commits = await eventStore.readAll(head?.sequence ?? 0, PAGE);
      if (commits.length === 0) return grown();
      let previous = head?.hash ?? GENESIS;
      const records: AuditRecord[] = [];
      for (const commit of commits) {
        const record = chained(previous, unchained(commit), signer);
        records.push(record);
        previous = record.hash;
      }
      await store.append(records);
    }
  };
  const caughtUp = (): Promise<void> => {
    queue = queue.then(append, append);
    return queue;
  };
  const unsubscribe = eventStore.onCommit(() => void caughtUp().catch(() => {}));
  await caughtUp();

  return {
    caughtUp,
    publicKey: signer?.publicKey ?? null,
    async log(query) {
      await caughtUp();
      const limit = Math.min(query.limit ?? DEFAULT_LIMIT, MAX_LIMIT);
      const found: AuditRecord[] = [];
      let after = query.after ?? 0;
      for (;;) {
        const page = await store.read(after, PAGE);
        for (const record of page) {
          after = record.sequence;
          if (!matches(record, query)) continue;
          if (found.length === limit)
            return { records: found, next: (found.at(-1) as AuditRecord).sequence };
          found.push(record);
        }
        if (page.length < PAGE) return { records: found, next: null };
      }
    },
    async head() {
      await caughtUp();
      return store.head();
    },
    async verify(wanted = {}) {
      const { head: saved } = wanted;
      const own = signer === undefined ? [] : [signer.publicKey];
      const signatures = signatureCheck({ publicKeys: own, ...wanted });
      await caughtUp();
      const head = await store.head();
      let previous = GENESIS;
      let expected = 1;
      const bad = (at: number, message: string): AuditVerification => ({
        ok: false,
        records: expected - 1,
        firstBad: at,
        message,
      });
      for (;;) {
        const page = await store.read(expected - 1, PAGE);
        const commits = await eventStore.readAll(expected - 1, PAGE);
        for (const [i, record] of page.entries()) {
          if (record.sequence !== expected)
            return bad(
              expected,
              `record ${expected} is missing: record ${record.sequence} is in its place`,
            );
          if (record.previous !== previous)
            return bad(
              expected,
              `record ${expected} does not follow the one before it: it was inserted, or that one was changed`,
            );
          if (record.hash !== chainHash(previous, withoutHashes(record)))
            return bad(
              expected,
              `record ${expected} was changed: its content does not match its hash`,
            );
          const commit = commits[i];
          if (commit === undefined || !isRecordOf(unchained(commit), withoutHashes(record))) {
            return bad(
              expected,
              `record ${expected} and the registry's commit ${expected} differ: one of them was changed`,
            );
          }
          const unsigned = signatures.wrong(record);
          if (unsigned !== null) return bad(expected, unsigned);
          previous = record.hash;
          expected++;
          if (record.sequence === head?.sequence && record.hash !== head.hash) {
            return bad(
              record.sequence,
              `record ${record.sequence} is not the one that was once the chain's head: the chain was rewritten from some record on`,
            );
          }
        }
        if (page.length < PAGE) break;
      }
      // The head was read first, so there may be more records than it says, but not fewer.
      if (head !== null && head.sequence > expected - 1) {
        return bad(
          expected,
          `the chain ends at record ${expected - 1}, and record ${head.sequence} was once its head: the tail was cut off`,
        );
      }
      const wrong = saved === undefined ? null : await contradiction(store, saved);
      if (saved !== undefined && wrong !== null) return bad(saved.sequence, wrong);
      return { ok: true, records: expected - 1, head: previous, ...signatures.from() };
    },
    async close() {
      unsubscribe();
      await queue.catch(() => {});
    },
  };
};
