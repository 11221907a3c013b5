/** Names of the files that keep the rows of statements. */

export const spineFile = (id: string): string => `spine-${id}.parquet`;

/** such a file, or one that is being written as it */
export const SPINE_FILE = /^spine-[\w-]+\.parquet(\..+)?$/;
