/** Notes how to close what was just opened. */
export type Opened = (close: () => unknown) => void;

/**
 * Opens parts one after another. Where that fails, those that were opened are closed in the reverse
 * order, and the first error is thrown: what a close throws then says less.
 */
export const closingOnFailure = async <T>(open: (opened: Opened) => Promise<T>): Promise<T> => {
  const closes: (() => unknown)[] = [];
  try {
    return await open((close) => closes.push(close));
  } catch (error) {
    for (const close of closes.reverse())
      try {
        await close();
      } catch {}
    throw error;
  }
};
