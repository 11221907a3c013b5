/**
 * The names of Millrace's resources in OpenLineage. Datasets are named by what they are in Millrace
 * (`raw.flights`, `features.airport_delays`), in the namespace of this platform: the same in every
 * profile. Their location (a Kafka topic, an Iceberg table) is given in a facet, by OpenLineage's
 * naming of those systems, so that it joins with the lineage of other readers.
 */
import type { Kind } from '#domain/definitions/model.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';

/** The name of a dataset in the system that stores it. */
export interface Place {
  readonly namespace: string;
  readonly name: string;
  readonly type: 'topic' | 'table' | 'keyspace';
}
export interface StorePlace extends Place {
  /** what kind of store: 'iceberg', 'paimon', 'redis' */
  readonly layer: string;
}

/** Where a profile stores its datasets; empty where they are only in this process. */
export interface Places {
  readonly raw: (source: string) => readonly Place[];
  readonly features: (view: string) => readonly Place[];
  readonly stores: (view: string, generation: number) => readonly StorePlace[];
}

export const NOWHERE: Places = { raw: () => [], features: () => [], stores: () => [] };

/** The platform that emits the events. */
export interface LineageEmitter {
  /** of jobs, and of datasets that have no place of their own */
  readonly namespace: string;
  readonly producer: string;
  readonly engine: { readonly name: string; readonly version: string };
  readonly places: Places;
}

export const datasetName = (kind: Kind, name: string): string => {
  switch (kind) {
    case 'source':
      return rawTopic(name);
    case 'feature-view':
      return featuresTopic(name);
    case 'entity':
      return `entity.${name}`;
    case 'on-demand-feature':
      return `on-demand.${name}`;
    case 'feature-service':
      return `service.${name}`;
  }
};

export const computeJob = (view: string): string => `compute.${view}`;
export const replayJob = (view: string): string => `replay.${view}`;
export const onDemandJob = (name: string): string => `on-demand.${name}`;
export const serviceJob = (name: string): string => `serve.${name}`;
