/** Remembers which tables were found damaged, so that operators see it, and not only readers. */
import { messageOf } from '#domain/error-message.ts';
import type { FileChecks, StatedFile } from './checked-files.ts';

export interface NotedDamage {
  /** Runs a read of a table's metadata. What it throws is noted until a later one succeeds. */
  readonly noting: <T>(topic: string, read: () => Promise<T>) => Promise<T>;
  /** @throws MR_DATA_DAMAGED; it is noted for good: damaged files do not heal */
  readonly checkFiles: (topic: string, files: readonly StatedFile[]) => Promise<void>;
  /** topic → what is wrong with its table */
  readonly all: () => ReadonlyMap<string, string>;
}

export const notedDamage = (checks: FileChecks): NotedDamage => {
  const ofMetadata = new Map<string, string>();
  const ofFiles = new Map<string, string>();
  return {
    async noting(topic, read) {
      try {
        const result = await read();
        ofMetadata.delete(topic);
        return result;
      } catch (error) {
        ofMetadata.set(topic, messageOf(error));
        throw error;
      }
    },
    async checkFiles(topic, files) {
      try {
        await checks.check(files);
      } catch (error) {
        ofFiles.set(topic, messageOf(error));
        throw error;
      }
    },
    all: () => new Map([...ofMetadata, ...ofFiles]),
  };
};
