/**
 * The process log, for operators: one line for each event. It never contains a secret, a body or a
 * value of an event.
 */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Logger {
  /** Whether lines of that level are written; checked on hot paths before a line is composed. */
  readonly writes: (level: LogLevel) => boolean;
  /** @param fields those that are null or undefined are left out */
  readonly log: (level: LogLevel, message: string, fields?: LogFields) => void;
}
