/**
 * What a soak runs against: gateways, and the parts that it restarts. A profile is one file that
 * makes one.
 */
export type Signal = 'SIGTERM' | 'SIGKILL';

export interface Part {
  readonly name: string;
  /** Resolves when it serves again. */
  readonly restart: (how: Signal) => Promise<void>;
}

/** Of the gateway process that is looked at for leaks; null while it is away. */
export interface Sample {
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly files: number;
  readonly handles: number;
}

/** What a profile is asked for, by what it is made of. */
export interface Pace {
  /** batches a second of all producers together, and their events */
  readonly batches: number;
  readonly batch: number;
  /** of the reads' own rates */
  readonly reads: number;
  /** restarts of each part, in the first half */
  readonly restarts: (minutes: number) => number;
}

export interface Rig {
  /**
   * whether what is acknowledged is read at once; else an answer says through when it is complete,
   * and is held to that
   */
  readonly atOnce: boolean;
  readonly pace: Pace;
  /** HTTP gateways; asked in turn */
  readonly urls: readonly string[];
  /** host:port of gRPC gateways; asked in turn */
  readonly grpc: readonly string[];
  readonly parts: readonly Part[];
  /** those that are killed once more at the end, before all is counted */
  readonly last: readonly Part[];
  readonly sample: () => Promise<Sample | null>;
  readonly close: () => Promise<void>;
}
