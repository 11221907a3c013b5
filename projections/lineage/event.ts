/** OpenLineage events (spec 2-0-2) as plain data: in the topic `lineage`, and for the receiver. */
export interface Facet {
  readonly _producer: string;
  readonly _schemaURL: string;
}
export type Facets = Readonly<Record<string, Facet>>;

export interface LineageDataset {
  readonly namespace: string;
  readonly name: string;
  readonly facets?: Facets;
}
export type LineageInput = LineageDataset & { readonly inputFacets?: Facets };
export type LineageOutput = LineageDataset & { readonly outputFacets?: Facets };
export interface LineageJob {
  readonly namespace: string;
  readonly name: string;
  readonly facets?: Facets;
}
export type RunState = 'START' | 'RUNNING' | 'COMPLETE' | 'ABORT' | 'FAIL' | 'OTHER';

export const ENDS: ReadonlySet<RunState> = new Set<RunState>(['COMPLETE', 'ABORT', 'FAIL']);

interface Base {
  /** ISO 8601 */
  readonly eventTime: string;
  readonly producer: string;
  readonly schemaURL: string;
}
interface Flow {
  readonly job: LineageJob;
  readonly inputs: readonly LineageInput[];
  readonly outputs: readonly LineageOutput[];
}
export type RunEvent = Base &
  Flow & {
    readonly eventType: RunState;
    readonly run: { readonly runId: string; readonly facets?: Facets };
  };
export type JobEvent = Base & Flow;
export type DatasetEvent = Base & { readonly dataset: LineageDataset };
export type LineageEvent = RunEvent | JobEvent | DatasetEvent;

const SPEC = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/';

/** The producer of the events: this version of Millrace. */
export const producerOf = (version: string): string => `urn:millrace:${version}`;

const base = (producer: string, time: number, kind: string): Base => ({
  eventTime: new Date(time).toISOString(),
  producer,
  schemaURL: SPEC + kind,
});

export const runEvent = (
  producer: string,
  time: number,
  event: Omit<RunEvent, keyof Base>,
): RunEvent => ({
  ...base(producer, time, 'RunEvent'),
  ...event,
});
export const jobEvent = (
  producer: string,
  time: number,
  event: Omit<JobEvent, keyof Base>,
): JobEvent => ({
  ...base(producer, time, 'JobEvent'),
  ...event,
});
export const datasetEvent = (
  producer: string,
  time: number,
  dataset: LineageDataset,
): DatasetEvent => ({
  ...base(producer, time, 'DatasetEvent'),
  dataset,
});
