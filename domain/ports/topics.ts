/** The names of the log's topics: one place, so that no two modules disagree. */
export const rawTopic = (source: string): string => `raw.${source}`;
export const rejectedTopic = (source: string): string => `rejected.${source}`;
/** where producers may write straight to Kafka, JSON or Avro; only on the stack */
export const ingestTopic = (source: string): string => `ingest.${source}`;
export const featuresTopic = (view: string): string => `features.${view}`;
export const lateTopic = (view: string): string => `late.${view}`;
/** what a service answered, as far as it is logged */
export const featureLogTopic = (service: string): string => `served.${service}`;
export const REGISTRY_TOPIC = 'registry';
/** OpenLineage events, where they are asked for */
export const LINEAGE_TOPIC = 'lineage';
