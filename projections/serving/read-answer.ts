/** The parts of an answer that online and past reads share. */
import type { ReadRequest, ReadResult, ViewAnswer } from '#domain/api/serving.ts';
import { type Degraded, modesOf, NOT_DEGRADED } from '#domain/ports/degraded.ts';
import type { ServedView } from '#domain/ports/served-view.ts';
import type { ReadPlan } from './read-plan.ts';

/** [view][row]: event time of the entity's newest event, where the read wants it. */
type NewestOfRows = (number | null)[][];

export const originsOf = (
  plan: ReadPlan,
  newest: NewestOfRows | null,
): Pick<ReadResult, 'origins'> => (newest === null ? {} : { origins: { ...plan.columns, newest } });

export const newestOfRows = (plan: ReadPlan, request: ReadRequest): NewestOfRows | null =>
  request.origins === true ? plan.views.map(() => []) : null;

export const answerOf = (served: ServedView, completeThrough: number | null): ViewAnswer => ({
  view: served.plan.view,
  version: served.version,
  generation: served.generation,
  eventTime: served.newestEventTime(),
  position: served.position(),
  completeThrough,
});

export const withModes = (result: ReadResult, modes: Degraded): ReadResult =>
  modes === NOT_DEGRADED ? result : { ...result, degraded: modesOf(modes) };
