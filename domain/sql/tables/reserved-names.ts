/**
 * Columns of the platform's tables whose names Iceberg's Spark keeps for its own, and the names
 * that the catalog gives them there. No field of a user begins with two underscores.
 */
export const RESERVED_IN_SPARK: ReadonlyMap<string, string> = new Map([
  ['_partition', '__log_partition'],
]);
