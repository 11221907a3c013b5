/**
 * Only the owner may reach the servers' files: they have all data, and passwords. The directory is
 * private, and so is every file that is made in it, in case the directory is opened up again.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const PRIVATE_DIRECTORY = 0o700;
export const PRIVATE_FILE = 0o600;
const OTHERS = 0o077;
const MARK = 'stack.json';

/** Makes the directory; one of an older version is made private. Another's is left as it is. */
export const makePrivateDirectory = (path: string): void => {
  mkdirSync(path, { recursive: true, mode: PRIVATE_DIRECTORY });
  if (statSync(path).uid !== process.getuid?.()) return;
  // A directory that has other things in it is not all ours.
  if (readdirSync(path).length === 0 || existsSync(join(path, MARK)))
    chmodSync(path, PRIVATE_DIRECTORY);
};

/**
 * Files and directories that `work` makes are private, and so are those of the programs that it
 * starts. It must not wait: the mask is that of the whole process.
 */
export const privately = <T>(work: () => T): T => {
  const before = process.umask(OTHERS);
  try {
    return work();
  } finally {
    process.umask(before);
  }
};
