/**
 * What can be requested of erasures. Times are epoch ms; refusals are thrown as MillraceError. An
 * erasure that needs approval is proposed, and answered with MR_APPROVAL_REQUIRED. While one runs,
 * every request is refused with MR_MAINTENANCE, whose `details.step` is its progress.
 */
import type { SignedCertificate } from '#domain/erasure/certificate.ts';
import type { EntityTexts } from '#domain/erasure/scope.ts';
import type { Caller } from './caller.ts';

export interface ErasureRequest {
  /** every key of the entity, its value as text */
  readonly entity: EntityTexts;
  /** it stays in the audit log, so it must not name the entity */
  readonly reason: string;
}

export interface ErasureStatus {
  readonly id: string;
  readonly state: 'waiting' | 'running' | 'done' | 'failed';
  /** names the entity by a digest over the platform's id and its key */
  readonly digest: string;
  readonly keyNames: readonly string[];
  /** null from its end on: who was erased is known no more */
  readonly entity: EntityTexts | null;
  readonly reason: string | null;
  /** when it was requested or, of one that waits for approval, proposed */
  readonly at: number;
  readonly endedAt: number | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** The removal of all that the platform has of one entity. */
export interface Erasures {
  /** The same request while it waits or runs is answered with what there is. */
  request(request: ErasureRequest, caller: Caller): Promise<ErasureStatus>;
  /** newest first */
  list(caller?: Caller): Promise<readonly ErasureStatus[]>;
  get(id: string, caller?: Caller): Promise<ErasureStatus>;
  /** @throws MR_NOT_FOUND, MR_REFUSED while there is none */
  certificate(id: string, caller?: Caller): Promise<SignedCertificate>;
}
