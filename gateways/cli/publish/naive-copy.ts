/**
 * A copy of a Parquet file whose nanoseconds have no zone, for reading; the copy is deleted
 * afterwards.
 */
import { constants } from 'node:fs';
import { copyFile, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clearZones } from '#domain/files/zoned-nanos.ts';

export interface NaiveCopy {
  readonly path: string;
  remove(): Promise<void>;
}

export const naiveCopy = async (file: string): Promise<NaiveCopy> => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-'));
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  const path = join(directory, 'copy.parquet');
  try {
    await copyFile(file, path, constants.COPYFILE_FICLONE);
    const handle = await open(path, 'r+');
    try {
      await clearZones(handle);
    } finally {
      await handle.close();
    }
    return { path, remove };
  } catch (error) {
    await remove();
    throw error;
  }
};
