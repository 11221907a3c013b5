/** The names of the log's topics: one place, so that no two modules disagree. */
export const rawTopic = (source: string): string => `raw.${source}`;
export const rejectedTopic = (source: string): string => `rejected.${source}`;
export const featuresTopic = (view: string): string => `features.${view}`;
export const lateTopic = (view: string): string => `late.${view}`;
export const REGISTRY_TOPIC = 'registry';
