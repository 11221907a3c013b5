/**
 * The directory `erasures` of a data directory: who is to be erased, until it is done, and the
 * certificates. Not in the database: its audit log is never changed, and backups copy it.
 *
 * | file | content |
 * |---|---|
 * | ID.kept.json | the entity and the reason of an erasure that waits for approval |
 * | ID.running.json | the same of one that was begun. It is carried out before the platform opens |
 * | ID.certificate.json, ID.failed.json | how it ended. They do not name the entity |
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { SignedCertificate } from '#domain/erasure/certificate.ts';
import type { ErasureOutcome, WantedErasure } from '#domain/ports/erasure-runner.ts';
import { fsyncDirectory, writeDurably } from '#infra/data-directory/data-directory.ts';

export interface ErasureRequests {
  readonly keep: (id: string, wanted: WantedErasure) => void;
  readonly forget: (id: string) => void;
  readonly kept: () => readonly string[];
  readonly running: () => readonly string[];
  readonly wanted: (id: string) => WantedErasure | null;
  readonly begin: (id: string, wanted: WantedErasure) => void;
  readonly outcome: (id: string) => ErasureOutcome | null;
  /** Stores how it ended, then forgets who was erased. */
  readonly end: (id: string, outcome: ErasureOutcome) => void;
  /** What a process that was killed in `end` has left. */
  readonly forgetEnded: (id: string) => void;
  /** Removes what a killed process was writing. Only who holds the data directory may. */
  readonly removeUnfinished: () => void;
}

const ID = /^[0-9a-f]+-\d+$/;

export const erasureRequests = (dataDirectory: string): ErasureRequests => {
  const directory = join(dataDirectory, 'erasures');
  const names = (): readonly string[] => (existsSync(directory) ? readdirSync(directory) : []);
  const ofKind = (kind: string): readonly string[] =>
    names().flatMap((name) =>
      name.endsWith(`.${kind}.json`) ? [name.slice(0, -`.${kind}.json`.length)] : [],
    );
  /** Ids come from callers too. */
  const path = (id: string, kind: string): string | null =>
    ID.test(id) ? join(directory, `${id}.${kind}.json`) : null;
  const read = <T>(id: string, kind: string): T | null => {
    const file = path(id, kind);
    return file === null || !existsSync(file)
      ? null
      : (JSON.parse(readFileSync(file, 'utf8')) as T);
  };
  const write = (id: string, kind: string, value: unknown): void => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeDurably(directory, `${id}.${kind}.json`, `${JSON.stringify(value)}\n`);
  };
  const remove = (id: string, ...kinds: readonly string[]): void => {
    for (const kind of kinds) {
      const file = path(id, kind);
      if (file !== null) rmSync(file, { force: true });
    }
    if (existsSync(directory)) fsyncDirectory(directory);
  };
  return {
    keep: (id, wanted) => write(id, 'kept', wanted),
    forget: (id) => remove(id, 'kept'),
    kept: () => ofKind('kept'),
    running: () => ofKind('running'),
    wanted: (id) => read<WantedErasure>(id, 'running') ?? read<WantedErasure>(id, 'kept'),
    begin(id, wanted) {
      const kept = path(id, 'kept');
      if (kept === null || !existsSync(kept)) return write(id, 'running', wanted);
      renameSync(kept, join(directory, `${id}.running.json`));
      fsyncDirectory(directory);
    },
    outcome(id) {
      const signed = read<SignedCertificate>(id, 'certificate');
      // An earlier release signed none.
      return signed === null
        ? read<ErasureOutcome>(id, 'failed')
        : { ...signed, signature: signed.signature ?? null };
    },
    end(id, outcome) {
      write(id, 'certificate' in outcome ? 'certificate' : 'failed', outcome);
      remove(id, 'running', 'kept');
    },
    forgetEnded: (id) => remove(id, 'running', 'kept'),
    removeUnfinished() {
      for (const name of names())
        if (name.endsWith('.tmp')) rmSync(join(directory, name), { force: true });
    },
  };
};
