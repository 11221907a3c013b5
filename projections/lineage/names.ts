/**
 * How Millrace's things are called in OpenLineage. Datasets are named by what they are in Millrace
 * (`raw.flights`, `features.airport_delays`), in the namespace of this Millrace: the same on every
 * profile. Where they lie (a Kafka topic, an Iceberg table) is told beside, in the naming that
 * OpenLineage has for those systems, so that the lineage of others that read them joins ours.
 */
import type { Kind } from '#domain/definitions/model.ts';
import { featuresTopic, rawTopic } from '#domain/ports/topics.ts';

/** One thing under its name in the system that holds it. */
export interface Place {
  readonly namespace: string;
  readonly name: string;
  readonly type: 'topic' | 'table' | 'keyspace';
}
export interface StorePlace extends Place {
  /** what kind of store: 'iceberg', 'paimon', 'redis' */
  readonly layer: string;
}

/** Where a profile keeps things; empty where they lie in our own process. */
export interface Places {
  readonly raw: (source: string) => readonly Place[];
  readonly features: (view: string) => readonly Place[];
  readonly stores: (view: string, generation: number) => readonly StorePlace[];
}

export const NOWHERE: Places = { raw: () => [], features: () => [], stores: () => [] };

/** What every mapping needs to know of who tells. */
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
