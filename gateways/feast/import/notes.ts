/** The notes of an import: what has no counterpart, and what is different in Millrace. */

export interface Note {
  /** lost: has no counterpart, and is not in the definitions. changed: imported, but different. */
  readonly level: 'lost' | 'changed';
  /** Feast's kind, such as 'feature view' */
  readonly kind: string;
  /** Feast's name; for a part of a view, view:part */
  readonly name: string;
  readonly reason: string;
  /** what to do */
  readonly remedy: string;
}

export interface Notes {
  readonly all: readonly Note[];
  lost(kind: string, name: string, reason: string, remedy: string): void;
  changed(kind: string, name: string, reason: string, remedy: string): void;
}

export const createNotes = (): Notes => {
  const all: Note[] = [];
  const add =
    (level: Note['level']) => (kind: string, name: string, reason: string, remedy: string) => {
      all.push({ level, kind, name, reason, remedy });
    };
  return { all, lost: add('lost'), changed: add('changed') };
};
