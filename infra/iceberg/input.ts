/**
 * What the writer reads: the log, and the schemas of its records. The worker opens its own, from a
 * module named by its owner.
 */
import type { Log } from '#domain/ports/log.ts';

export interface HistoryInput {
  readonly log: Pick<Log, 'topics' | 'read' | 'end'>;
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
