/** The message of anything that was thrown: of an error its message, of another value its text. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
