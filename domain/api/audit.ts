/**
 * What auditors can request of the audit log. Times are epoch ms; refusals are thrown as
 * MillraceError.
 */
import type { Caller } from './caller.ts';

export interface AuditQuery {
  readonly since?: number;
  readonly until?: number;
  /** the name of an actor, or the id of a principal */
  readonly actor?: string;
  readonly subject?: string;
  readonly kind?: string;
  /** pages: records after this sequence */
  readonly after?: number;
  readonly limit?: number;
}

export interface AuditRecord {
  readonly sequence: number;
  readonly time: number;
  readonly actor: string;
  /**
   * id of the principal: two keys of one name are two principals; absent: the platform itself, or a
   * record of an old version
   */
  readonly principal?: string;
  readonly command: string;
  /** kind/name */
  readonly subject: string;
  readonly reason: string | null;
  readonly outcome: 'accepted' | 'refused';
  readonly refusal: { readonly code: string; readonly message: string } | null;
  readonly events: readonly { readonly type: string; readonly data: unknown }[];
  /** SHA-256 of the command's id and data; absent in records of old versions */
  readonly commandHash?: string;
  readonly hash: string;
  readonly previous: string;
  /** over the number and the hash, base64url; absent: the platform had no `--audit-key-file` */
  readonly signature?: string;
}

/** The newest record of a chain. */
export interface AuditHead {
  readonly sequence: number;
  readonly hash: string;
}

export type AuditVerification =
  | {
      readonly ok: true;
      readonly records: number;
      readonly head: string;
      /** the first signed record: it and all after it are; absent: signatures were not verified */
      readonly signedFrom?: number;
    }
  | {
      readonly ok: false;
      readonly records: number;
      readonly firstBad: number;
      readonly message: string;
    };

/** What the chain is compared with, besides the registry. */
export interface AuditExpectation {
  /** a head that the chain once had: it must extend it */
  readonly head?: AuditHead;
  /** of the keys that records may be signed with; absent: that of the platform, if it has one */
  readonly publicKeys?: readonly string[];
  /** the number of the first signed record, at the latest */
  readonly signedFrom?: number;
}

export interface AuditPage {
  readonly records: readonly AuditRecord[];
  readonly next: number | null;
}

/** The hash-chained log of commands and refusals. */
export interface Audit {
  log(query: AuditQuery, caller?: Caller): Promise<AuditPage>;
  verify(expected?: AuditExpectation, caller?: Caller): Promise<AuditVerification>;
  /** The newest record's number and hash; null: there is no record yet. */
  head(caller?: Caller): Promise<AuditHead | null>;
  /** Of the key that this process signs records with; null: it signs none. */
  publicKey(caller?: Caller): Promise<string | null>;
}
