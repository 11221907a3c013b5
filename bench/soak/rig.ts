/** What a soak runs against: gateways, and the parts that it restarts. A profile is one file that makes one. */
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

export interface Rig {
  /** HTTP gateways; asked in turn */
  readonly urls: readonly string[];
  /** host:port of gRPC gateways; asked in turn */
  readonly grpc: readonly string[];
  readonly parts: readonly Part[];
  readonly sample: () => Promise<Sample | null>;
  readonly close: () => Promise<void>;
}
