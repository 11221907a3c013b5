/** What joins the rows of a data set. */

/** Engines beside the platform's own. */
export const JOIN_ENGINES = ['spark', 'flink'] as const;
export type JoinEngineName = (typeof JOIN_ENGINES)[number];

/** `embedded`: the platform itself. */
export const DATASET_ENGINES = ['embedded', ...JOIN_ENGINES] as const;
export type DatasetEngine = (typeof DATASET_ENGINES)[number];

/** null: the platform itself */
export const joinEngineOf = (engine: DatasetEngine | undefined): JoinEngineName | null =>
  engine === undefined || engine === 'embedded' ? null : engine;
