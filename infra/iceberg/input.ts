/**
 * What the history's worker thread works with: a reader of the log, the schemas of its records, and
 * the file system of the tables. A thread shares no objects with others, so it opens its own, by a
 * module that the profile names.
 */
import type { FileIO } from '#domain/ports/file-io.ts';
import type { Log } from '#domain/ports/log.ts';

export interface HistoryInput {
  readonly log: Pick<Log, 'topics' | 'read' | 'begin' | 'end'>;
  readonly files: FileIO;
  schema(id: number): Promise<object>;
  close?(): Promise<void> | void;
}

/**
 * `module` is the URL of a module that exports `openHistoryInput(options): HistoryInput |
 * Promise<HistoryInput>`.
 */
export interface HistoryInputModule {
  readonly module: string;
  /** survives structuredClone */
  readonly options: unknown;
}

export const openInput = async ({ module, options }: HistoryInputModule): Promise<HistoryInput> => {
  const { openHistoryInput } = (await import(module)) as {
    openHistoryInput(options: unknown): HistoryInput | Promise<HistoryInput>;
  };
  return openHistoryInput(options);
};
