/**
 * The plan of a read that waits for a position. Where the position came from another gateway, this
 * one may not have heard yet of what is read: then it catches up with the registry first, so that
 * what was applied or promoted before is there.
 */

import type { ReadRequest } from '#domain/api/serving.ts';
import { MillraceError } from '#domain/errors.ts';
import { parseTopicPosition } from '#domain/ports/position.ts';
import { REGISTRY_TOPIC, rawTopic } from '#domain/ports/topics.ts';
import type { ReadPlan, ReadTarget } from './read-plan.ts';
import type { WaitFor } from './wait-for.ts';

export interface FollowedRegistry {
  /** the registry's position that reads follow */
  readonly position: () => number;
  /** the newest commit that there is, of whichever process */
  readonly head: () => Promise<number>;
}

const isUnheardOf = (error: unknown): boolean =>
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
      if (!isUnheardOf(error)) throw error;
      const head = {
        topic: REGISTRY_TOPIC,
        positions: [{ partition: 0, offset: await registry.head() }],
      };
      await waitFor(head, registryAt, request.waitMs);
    }
    // Asked anew each time: what is promoted meanwhile is what will be read.
    const readers = () =>
      planOf(request).views.flatMap(({ served }) =>
        rawTopic(served.plan.source) === wanted.topic ? [served.positions()] : [],
      );
    await waitFor(wanted, readers, request.waitMs);
    return planOf(request);
  };
};
