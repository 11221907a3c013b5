/**
 * What an operator is told while the platform runs. One line an event; no secret, no body and no
 * value of an event is ever in it.
 */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Logger {
  /**
   * Whether a line of that level is written at all: asked before a line is put together on a hot
   * path.
   */
  readonly writes: (level: LogLevel) => boolean;
  /** @param fields those that are null or undefined are left out */
  readonly log: (level: LogLevel, message: string, fields?: LogFields) => void;
}
