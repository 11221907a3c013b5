/** JSON schemas of what was served, for /docs. */
import { anything, epoch, list, nullable, number, object, record, text, whole } from './schemas.ts';

export const featureLogRow = object({
  requestId: text,
  row: whole,
  rows: whole,
  actor: text,
  serviceVersion: whole,
  sample: number,
  at: epoch,
  known: epoch,
  entity: record,
  request: record,
  views: list(
    object({
      view: text,
      version: whole,
      generation: whole,
      position: text,
      completeThrough: nullable(epoch),
    }),
  ),
  onDemand: list(object({ name: text, version: whole })),
  values: record,
  status: record,
  position: text,
  logTime: epoch,
});

const counted = object({ requests: whole, rows: whole });
const causes = object({
  lag: whole,
  'left-out': whole,
  late: whole,
  definition: whole,
  unexplained: whole,
});

export const skewReport = object({
  service: text,
  known: epoch,
  logged: counted,
  compared: counted,
  incomparable: whole,
  views: list(object({ view: text, version: whole, generation: nullable(whole) })),
  features: list(
    object({
      feature: text,
      compared: whole,
      equal: whole,
      differing: whole,
      share: number,
      largest: nullable(number),
      mean: nullable(number),
      featureLogNull: whole,
      eventTimeNull: whole,
      causes,
      examples: list(
        object({
          requestId: text,
          row: whole,
          entity: record,
          at: epoch,
          known: epoch,
          served: anything,
          eventTime: anything,
          causes: list(text),
          events: list(object({ cause: text, position: text, eventTime: epoch, logTime: epoch })),
        }),
      ),
    }),
  ),
  gone: list(text),
  unexplained: whole,
});
