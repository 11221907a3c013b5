/**
 * The plan of a read that waits for a position. Where the position comes from another gateway, the
 * definitions of the read may be new to this one: it then catches up with the registry first.
 */

import type { ReadRequest } from '#domain/api/serving.ts';
import { MillraceError } from '#domain/errors.ts';
import { parseTopicPosition } from '#domain/ports/position.ts';
import { REGISTRY_TOPIC, rawTopic } from '#domain/ports/topics.ts';
import type { ReadPlan, ReadTarget } from './read-plan.ts';
import type { WaitFor } from './wait-for.ts';

export interface FollowedRegistry {
  /** the position of the registry whose definitions reads use */
  readonly position: () => number;
  /** the newest commit of any process */
  readonly head: () => Promise<number>;
}

const mayBeNew = (error: unknown): boolean =>
  error instanceof MillraceError &&
  (error.code === 'MR_NOT_FOUND' || error.code === 'MR_VIEW_NOT_READY');

export const createPlanAfter = (
  planOf: (target: ReadTarget) => ReadPlan,
  waitFor: WaitFor,
  registry: FollowedRegistry,
): ((request: ReadRequest, after: string) => Promise<ReadPlan>) => {
  const registryAt = (): readonly (readonly { partition: number; offset: number }[])[] => [
    [{ partition: 0, offset: registry.position() }],
  ];

  return async (request, after) => {
    const wanted = parseTopicPosition(after);
    if (wanted.topic === REGISTRY_TOPIC) {
      await waitFor(wanted, registryAt, request.waitMs);
      return planOf(request);
    }
    try {
      planOf(request);
    } catch (error) {
      if (!mayBeNew(error)) throw error;
      const head = {
        topic: REGISTRY_TOPIC,
        positions: [{ partition: 0, offset: await registry.head() }],
      };
      await waitFor(head, registryAt, request.waitMs);
    }
    // Planned again each time: the read uses the generation that is live when the wait ends.
    const readers = () =>
      planOf(request).views.flatMap(({ served }) =>
        rawTopic(served.plan.source) === wanted.topic ? [served.positions()] : [],
      );
    await waitFor(wanted, readers, request.waitMs);
    return planOf(request);
  };
};
