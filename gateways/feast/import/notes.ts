/** What an import has to say: what was lost, and what is there but not as it was. */

export interface Note {
  /** lost: has no counterpart and is not in the definitions. changed: is there, differently. */
  readonly level: 'lost' | 'changed';
  /** a kind of Feast's, as 'feature view' */
  readonly kind: string;
  /** as Feast names it; a part of a view as view:part */
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
