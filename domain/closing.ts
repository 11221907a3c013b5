/** Notes how to close what was just opened. */
export type Opened = (close: () => unknown) => void;

type Work<T> = (opened: Opened) => Promise<T>;

/** In the reverse order. What a close throws says less than the result or the error of the work. */
const closeAll = async (closes: readonly (() => unknown)[]): Promise<void> => {
  for (const close of closes.toReversed())
    try {
      await close();
    } catch {}
};

/**
 * Opens parts one after another. Where that fails, those that were opened are closed in the reverse
 * order.
 */
export const closingOnFailure = async <T>(open: Work<T>): Promise<T> => {
  const closes: (() => unknown)[] = [];
  try {
    return await open((close) => closes.push(close));
  } catch (error) {
    await closeAll(closes);
    throw error;
  }
};

/** Opens parts for some work, and closes them in the reverse order when it has ended. */
export const closingAfter = async <T>(work: Work<T>): Promise<T> => {
  const closes: (() => unknown)[] = [];
  try {
    return await work((close) => closes.push(close));
  } finally {
    await closeAll(closes);
  }
};
