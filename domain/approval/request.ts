/** What can be proposed, and what a reviewer is shown of it. */
import type { ApplyOptions, CommandRequest, PlannedChange } from '#domain/api/registry.ts';
import type { AccessLimits } from '#domain/authorization/principal.ts';
import type { Definition } from '#domain/definitions/model.ts';
import type { ErasurePlan, FoundIn } from '#domain/erasure/erasure.ts';
import type { Matter, Requirement } from './requirements.ts';

export interface ProposedKey {
  readonly id: string;
  readonly name: string;
  readonly grants: readonly string[];
  readonly limits: AccessLimits;
  /** epoch ms; null: until it is revoked */
  readonly expiresAt: number | null;
  /** the key that it replaces, with the grants that it has */
  readonly replaced?: { readonly id: string; readonly grants: readonly string[] };
}

/** Requests as they were made, without who made them. */
export type ProposedRequest =
  | {
      readonly type: 'apply';
      readonly definitions: readonly Definition[];
      readonly options: ApplyOptions;
    }
  | { readonly type: 'command'; readonly command: CommandRequest }
  /** The secret is with who proposed it; only its hash is stored, and it is never shown. */
  | { readonly type: 'key'; readonly key: ProposedKey; readonly hash: string }
  | { readonly type: 'requirement'; readonly requirement: Requirement }
  /** The entity itself is kept elsewhere until the end: a proposal is never deleted. */
  | {
      readonly type: 'erasure';
      readonly erasure: string;
      readonly digest: string;
      readonly keyNames: readonly string[];
    };

export type ProposalPlan =
  | { readonly type: 'changes'; readonly changes: readonly PlannedChange[] }
  | {
      readonly type: 'promotion';
      readonly view: string;
      readonly generation: number;
      readonly version: number;
      /** what answers now; null: nothing does */
      readonly live: { readonly generation: number; readonly version: number } | null;
    }
  | { readonly type: 'key'; readonly key: ProposedKey }
  | {
      readonly type: 'requirement';
      readonly namespace: string;
      readonly before: readonly Matter[];
      readonly after: readonly Matter[];
      /** how long proposals can be approved; absent: that stays as it is */
      readonly validMs?: { readonly before: number; readonly after: number };
    }
  /** `found`: as it was when it was proposed; events that came since are erased, too */
  | ({ readonly type: 'erasure'; readonly found: readonly FoundIn[] } & ErasurePlan);
