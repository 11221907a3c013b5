/** JSON schemas of what a read answers, and of how ready the gateway is to answer it. */
import {
  degradedModes,
  epoch,
  list,
  nullable,
  object,
  oneOf,
  record,
  text,
  whole,
} from './schemas.ts';

export const readResult = object(
  {
    rows: list(record),
    status: list(list(oneOf('present', 'null', 'not-found', 'expired', 'overflow'))),
    features: list(text),
    views: list(
      object({
        view: text,
        version: whole,
        generation: whole,
        eventTime: nullable(epoch),
        position: text,
        completeThrough: nullable({
          ...epoch,
          description: 'epoch ms: every event that the log had accepted by then is in the values',
        }),
      }),
    ),
    at: epoch,
    known: epoch,
    degraded: degradedModes,
  },
  ['rows', 'status', 'features', 'views', 'at', 'known'],
);

export const readiness = object({ status: oneOf('ready'), degraded: degradedModes }, ['status']);
