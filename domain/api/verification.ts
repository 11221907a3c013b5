/** What `millrace verify` finds in a data directory, and what `millrace repair` did about it. */

export type DamagedPart =
  | 'database'
  | 'log'
  | 'registry'
  | 'schemas'
  | 'audit'
  | 'state'
  | 'history';

export interface Damage {
  readonly part: DamagedPart;
  /** what is damaged, and where: a file, or a topic with its offsets */
  readonly what: string;
  /** what is wrong with it */
  readonly why: string;
  /** what `millrace repair` does about it; null: it cannot be rebuilt here */
  readonly repair: string | null;
}

export interface Verification {
  readonly directory: string;
  /** also decoded every record and every row */
  readonly deep: boolean;
  readonly checked: {
    readonly records: number;
    readonly commits: number;
    readonly states: number;
    readonly tables: number;
    readonly files: number;
    readonly bytes: number;
  };
  /** rows that an earlier release wrote without a checksum */
  readonly withoutChecksum: number;
  readonly damage: readonly Damage[];
}

export interface Repair {
  readonly what: string;
  /** what was done; with `lost`: what could not be brought back */
  readonly done: string;
  readonly lost: boolean;
}
