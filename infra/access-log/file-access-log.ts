/**
 * The access log as a file: one JSON line for each entry, appended. The file is opened for each
 * write of what has gathered, so that a program that rotates logs may rename it at any time.
 */
import { appendFile } from 'node:fs/promises';
import type { AccessEntry, AccessLog } from '#domain/ports/access-log.ts';

interface FileAccessLogOptions {
  readonly warn: (message: string) => void;
  /** for tests: writes text to the end of the file */
  readonly append?: (text: string) => Promise<void>;
  readonly everyMs?: number;
  /** how many entries may wait */
  readonly most?: number;
}

const EVERY_MS = 100;
const MOST = 100_000;
const PRIVATE = 0o600;

export const fileAccessLog = (
  file: string,
  {
    warn,
    append = (text) => appendFile(file, text, { mode: PRIVATE }),
    everyMs = EVERY_MS,
    most = MOST,
  }: FileAccessLogOptions,
): AccessLog => {
  let waiting: AccessEntry[] = [];
  /** entries that are not in the log, and that the log does not say so of yet */
  let lost = 0;
  let failing = false;
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> = Promise.resolve();

  const flush = async (): Promise<void> => {
    if (waiting.length === 0 && lost === 0) return;
    const [entries, missing] = [waiting, lost];
    waiting = [];
    const lines = missing === 0 ? entries : [{ lost: missing }, ...entries];
    try {
      await append(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      lost -= missing;
      failing = false;
    } catch (error) {
      // It may be written in part: written again, an entry could be there twice.
      lost += entries.length;
      if (!failing)
        warn(
          `the access log ${file} cannot be written, and entries are lost until it can be: ${String(error)}`,
        );
      failing = true;
    }
  };

  return {
    write(entry) {
      if (waiting.length >= most) {
        lost++;
        return;
      }
      waiting.push(entry);
      timer ??= setTimeout(() => {
        timer = null;
        writing = writing.then(flush);
      }, everyMs).unref();
    },
    async close() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      writing = writing.then(flush);
      await writing;
    },
  };
};
