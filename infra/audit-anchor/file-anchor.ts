/**
 * The anchor of the audit log as a file, on another disk than the database: one JSON line for each
 * anchored head, oldest first. With a key, each line has an HMAC-SHA256 over its head and the line
 * before it, so that lines cannot be forged, removed from the middle or put in another order by
 * somebody who has the file but not the key.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readFile, stat, truncate } from 'node:fs/promises';
import { fail } from '#domain/errors.ts';
import type { AuditAnchor } from '#domain/ports/audit-anchor.ts';

interface Line {
  readonly sequence: number;
  readonly hash: string;
  /** epoch ms */
  readonly time: number;
  readonly signature?: string;
}

const PRIVATE = 0o600;

const isLine = (value: unknown): value is Line => {
  const { sequence, hash, time, signature } = (value ?? {}) as Partial<Line>;
  return (
    Number.isSafeInteger(sequence) &&
    typeof hash === 'string' &&
    typeof time === 'number' &&
    (signature === undefined || typeof signature === 'string')
  );
};

const equal = (a: string, b: string): boolean => {
  const [one, two] = [Buffer.from(a), Buffer.from(b)];
  return one.length === two.length && timingSafeEqual(one, two);
};

/** @param key signs the lines; absent: they have no signature, and none is checked */
export const fileAnchor = (file: string, key?: Buffer): AuditAnchor => {
  /** the signature of the newest line */
  let newest = '';
  const signed = ({ sequence, hash, time }: Line, before: string): string =>
    key === undefined
      ? ''
      : createHmac('sha256', key).update(`${before}\n${sequence}\n${hash}\n${time}`).digest('hex');
  const damaged = (at: number, why: string): never =>
    fail('MR_STORAGE_FAILED', `the audit anchor ${file} is damaged at line ${at}: ${why}`, {
      file,
      line: at,
    });

  const read = async (): Promise<readonly Line[]> => {
    const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (found === null) return [];
    if (!found.isFile())
      fail('MR_FILE_INVALID', `--audit-anchor ${file} is not a regular file`, { file });
    const text = await readFile(file, 'utf8');
    const lines = text.split('\n');
    // A line without its end was being written at a crash: it was not acknowledged.
    const torn = lines.pop() ?? '';
    if (torn !== '') await truncate(file, found.size - Buffer.byteLength(torn));
    return lines.map((line, i): Line => {
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch {
        value = null;
      }
      return isLine(value) ? value : damaged(i + 1, 'it is not a head of the chain');
    });
  };

  return {
    place: file,
    async last() {
      const lines = await read();
      newest = '';
      for (const [i, line] of lines.entries()) {
        const signature = signed(line, newest);
        if (key !== undefined && !equal(signature, line.signature ?? ''))
          damaged(i + 1, 'it is not signed with the key of --audit-key-file');
        newest = signature;
      }
      return lines.at(-1) ?? null;
    },
    async append({ sequence, hash }, time) {
      const line: Line = { sequence, hash, time };
      const signature = signed(line, newest);
      const handle = await open(
        file,
        constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW,
        PRIVATE,
      );
      try {
        const text = JSON.stringify(key === undefined ? line : { ...line, signature });
        await handle.writeFile(`${text}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      newest = signature;
    },
  };
};
