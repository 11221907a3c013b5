/**
 * Reads a range of a file with Node's callbacks: past reads open many files, and a `FileHandle`
 * costs several times as much as the read.
 */
import { close, fstat, open, read } from 'node:fs';

/** For a longer range, the size of the file is looked up first. */
const TRUSTED_BYTES = 4 * 1024 * 1024;

type Done = (error: NodeJS.ErrnoException | null, bytes: Uint8Array) => void;

const NONE = new Uint8Array(0);

const fill = (fd: number, bytes: Buffer, filled: number, start: number, done: Done): void =>
  read(fd, bytes, filled, bytes.length - filled, start + filled, (error, count) => {
    if (error !== null) return done(error, NONE);
    const next = filled + count;
    if (count === 0 || next === bytes.length) return done(null, bytes.subarray(0, next));
    fill(fd, bytes, next, start, done);
  });

const readOpen = (fd: number, start: number, length: number, done: Done): void => {
  if (length <= TRUSTED_BYTES) return fill(fd, Buffer.allocUnsafeSlow(length), 0, start, done);
  fstat(fd, (error, stats) => {
    if (error !== null) return done(error, NONE);
    const left = Math.max(0, Math.min(length, stats.size - start));
    fill(fd, Buffer.allocUnsafeSlow(left), 0, start, done);
  });
};

/** The bytes from `start` on, at most `length`; fewer where the file ends before. */
export const readRange = (path: string, start: number, length: number): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    open(path, 'r', (error, fd) => {
      if (error !== null) return reject(error);
      readOpen(fd, start, length, (failed, bytes) =>
        close(fd, (unclosed) => {
          const problem = failed ?? unclosed;
          if (problem) reject(problem);
          else resolve(bytes);
        }),
      );
    });
  });
