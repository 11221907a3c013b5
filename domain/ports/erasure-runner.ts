/**
 * Runs erasures, and keeps who is to be erased until then: outside of the event store, whose
 * commits are never changed.
 *
 * - `begin` is durable when it returns: the erasure is carried out, if not by this process then by
 *   the next one, before it answers anything.
 * - It closes the platform once the requests in flight are answered, and opens it again at the end.
 *   The new platform finds the outcome.
 * - From its end on, or from `forget` on, nothing has the entity.
 */
import type { SignedCertificate } from '#domain/erasure/certificate.ts';
import type { ErasurePlan, FoundIn } from '#domain/erasure/erasure.ts';
import type { EntityTexts } from '#domain/erasure/scope.ts';

export interface WantedErasure {
  readonly entity: EntityTexts;
  readonly reason: string;
}

export type ErasureOutcome =
  | SignedCertificate
  | { readonly error: { readonly code: string; readonly message: string } };

export interface ErasureRunner {
  /** @throws MR_ENTITY_INVALID */
  readonly plan: (entity: EntityTexts) => ErasurePlan;
  /** Counts what would be removed; takes as long as it takes to read all records. */
  readonly count: (entity: EntityTexts) => Promise<readonly FoundIn[]>;
  /** Whether a text has the entity's values as words. */
  readonly names: (entity: EntityTexts, text: string) => boolean;
  /** Keeps what waits for approval. */
  readonly keep: (id: string, wanted: WantedErasure) => void;
  readonly forget: (id: string) => void;
  /** ids of what is kept */
  readonly kept: () => readonly string[];
  /** of what is kept or runs; null: neither */
  readonly wanted: (id: string) => WantedErasure | null;
  readonly begin: (id: string, wanted: WantedErasure) => void;
  /** null: it has not ended, or was never begun */
  readonly outcome: (id: string) => ErasureOutcome | null;
}
