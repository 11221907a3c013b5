/** What processes that ended have left in the builder's own directory. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SPINE_FILE } from '#domain/datasets/stored-spine.ts';
import { isMissing } from '#infra/shared/files/durable-file.ts';

/** of comparisons; builds remove theirs by their ids */
const SPILL = /^diff-.*\.spill$/;

/** @param before epoch ms */
export const removeLeft = async (
  directory: string,
  kept: ReadonlySet<string>,
  before: number,
): Promise<void> => {
  for (const name of await readdir(directory)) {
    const isSpine = SPINE_FILE.test(name.replace(/^\./, ''));
    if (!(isSpine || SPILL.test(name)) || kept.has(name)) continue;
    const path = join(directory, name);
    try {
      if ((await stat(path)).mtimeMs < before) await rm(path, { recursive: true, force: true });
    } catch (error) {
      // Its process was alive, and has removed it.
      if (!isMissing(error)) throw error;
    }
  }
};
