/**
 * The id of a request: the one that its caller sent, or a prefix of this process and a counter,
 * which is unique over restarts and cheap.
 */
import { randomUUID } from 'node:crypto';

export const REQUEST_ID = 'x-request-id';

export const requestIds = (): ((given: unknown) => string) => {
  const prefix = randomUUID().slice(0, 8);
  let count = 0;
  return (given) => {
    if (typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given)) return given;
    count++;
    return `${prefix}-${count}`;
  };
};
