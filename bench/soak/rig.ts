/**
 * What a soak runs against: gateways, and the parts that it restarts. Each profile is one file that
 * creates a rig.
 */
export type Signal = 'SIGTERM' | 'SIGKILL';

export interface Part {
  readonly name: string;
  /** Resolves when the part serves again. */
  readonly restart: (how: Signal) => Promise<void>;
}

/** The gateway process that is checked for leaks; null while it is down. */
export interface Sample {
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly files: number;
  readonly handles: number;
}

/** The load of a profile, by what it consists of. */
interface Pace {
  /** batches per second of all producers together, and the events of each */
  readonly batches: number;
  readonly batch: number;
  /** multiplies the rates of the reads */
  readonly reads: number;
  /** restarts of each part, in the first half */
  readonly restarts: (minutes: number) => number;
}

export interface Rig {
  /**
   * whether acknowledged events can be read at once; otherwise an answer is checked against the
   * time through which it claims to be complete
   */
  readonly atOnce: boolean;
  readonly pace: Pace;
  /** HTTP gateways, used in turn */
  readonly urls: readonly string[];
  /** host:port of gRPC gateways, used in turn */
  readonly grpc: readonly string[];
  readonly parts: readonly Part[];
  /** the parts that are killed once more at the end, before the final count */
  readonly last: readonly Part[];
  /** Resolves when every gateway reads the events up to this position. */
  readonly computed: (position: string) => Promise<void>;
  readonly sample: () => Promise<Sample | null>;
  readonly close: () => Promise<void>;
}
