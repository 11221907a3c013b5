/**
 * Keeps the head of the audit chain in an anchor outside the database, at most once a second, and
 * compares the two at the start: the chain must extend what the anchor has.
 */
import { fail } from '#domain/errors.ts';
import type { AuditAnchor } from '#domain/ports/audit-anchor.ts';
import type { AuditHead, AuditStore } from '#domain/ports/audit-store.ts';

interface AnchoringDependencies {
  readonly store: Pick<AuditStore, 'head' | 'read'>;
  readonly anchor: AuditAnchor;
  readonly now: () => number;
  readonly warn: (message: string) => void;
  readonly everyMs?: number;
}

export interface Anchoring {
  /** The chain has grown: its head is anchored soon. */
  readonly note: () => void;
  /** Anchors the head now, and ends. */
  readonly close: () => Promise<void>;
}

const EVERY_MS = 1_000;

/** How the chain contradicts a head that it once had; null: it extends that head. */
export const contradiction = async (
  store: Pick<AuditStore, 'read'>,
  { sequence, hash }: AuditHead,
): Promise<string | null> => {
  if (sequence === 0) return null;
  const [record] = await store.read(sequence - 1, 1);
  if (record?.sequence !== sequence)
    return `the chain has no record ${sequence}, which was its head: its tail was cut off, or the database is of an earlier time`;
  return record.hash === hash
    ? null
    : `record ${sequence} has another hash than it had as the head: the chain was rewritten`;
};

/** @throws MR_STORAGE_FAILED where the chain does not extend the anchored head */
export const openAnchoring = async ({
  store,
  anchor,
  now,
  warn,
  everyMs = EVERY_MS,
}: AnchoringDependencies): Promise<Anchoring> => {
  const last = await anchor.last();
  const wrong = last === null ? null : await contradiction(store, last);
  if (wrong !== null)
    fail(
      'MR_STORAGE_FAILED',
      `the audit log contradicts its anchor ${anchor.place}: ${wrong}. Keys that were revoked since may be valid again. Restore the newer database, or, if you accept the loss, start with another --audit-anchor file`,
      { anchor: anchor.place, sequence: last?.sequence },
    );
  let anchored = last?.sequence ?? 0;
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> = Promise.resolve();

  const write = async (): Promise<void> => {
    const head = await store.head();
    if (head === null || head.sequence <= anchored) return;
    try {
      await anchor.append(head, now());
      anchored = head.sequence;
    } catch (error) {
      warn(
        `the head of the audit log could not be written to its anchor ${anchor.place}, and will be tried again: ${String(error)}`,
      );
      schedule();
    }
  };
  const schedule = (): void => {
    timer ??= setTimeout(() => {
      timer = null;
      writing = writing.then(write, write);
    }, everyMs).unref();
  };
  await write();

  return {
    note: schedule,
    async close() {
      await writing;
      await write();
      if (timer !== null) clearTimeout(timer);
    },
  };
};
