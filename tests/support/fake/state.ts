/** What the areas of the fake platform share. */
import type { CatalogEntry } from '#domain/api/registry.ts';
import type { Kind } from '#domain/definitions/model.ts';
import type { DegradedMode } from '#domain/ports/degraded.ts';

/** What tests look at and set. */
export interface FakeControls {
  readonly calls: { readonly method: string; readonly args: readonly unknown[] }[];
  readonly taken: unknown[];
  /** next sequence by producer */
  readonly producers: Map<string, number>;
  /** every read waits for it */
  hold: Promise<void> | null;
  isReady: boolean;
  modes: readonly DegradedMode[];
  /** errors of the next publishes, one each */
  readonly failures: Error[];
}

export interface FakeState {
  readonly fake: FakeControls;
  /** by kind/name */
  readonly catalog: Map<string, CatalogEntry>;
  readonly position: () => string;
  /** @throws MR_NOT_FOUND */
  readonly of: (kind: Kind, name: string) => CatalogEntry;
  readonly log: (method: string, ...args: unknown[]) => void;
}
