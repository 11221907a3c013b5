/** JSON schemas of what was served, for /docs. */
import { epoch, list, nullable, number, object, record, text, whole } from './schemas.ts';

export const servedRow = object({
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
  views: list(object({ view: text, version: whole, generation: whole, position: text, through: nullable(epoch) })),
  onDemand: list(object({ name: text, version: whole })),
  values: record,
  status: record,
  position: text,
  logTime: epoch,
});
