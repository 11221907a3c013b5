/**
 * A stopping server ends within a deadline, whatever it waits for. Every acknowledged event is
 * durable, so ending a part that hangs loses nothing that was promised.
 */

/** For the stores to close, after the time that requests in flight have (`drainMs` of --limit). */
export const CLOSE_MS = 20_000;

/** Not `process.exit`: that one waits for threads, and one of them may be what hangs. */
const killSelf = (): void => void process.kill(process.pid, 'SIGKILL');

/** @returns the timer, which does not keep the process alive */
export const endWithin = (
  ms: number,
  report: (message: string) => void,
  end: () => void = killSelf,
): NodeJS.Timeout =>
  setTimeout(() => {
    report(`the server did not stop within ${ms / 1000} s of the signal, and ends now`);
    end();
  }, ms).unref();
