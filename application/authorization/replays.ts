/** Authorization of replays: by the view that is replayed. */
import type { Caller } from '#domain/api/caller.ts';
import { noReplay, type ReplayStatus, type Replays } from '#domain/api/replays.ts';
import { EVERYWHERE } from '#domain/authorization/grants.ts';
import { sees } from './authorizer.ts';
import type { Checks } from './checks.ts';

export const authorizeReplays = (
  replays: Replays,
  { authorize, visibleNamespaces, resources, view }: Checks,
): Replays => {
  const authorizedReplay = async (
    caller: Caller | undefined,
    id: string,
  ): Promise<ReplayStatus> => {
    authorize(caller, 'operate', []);
    const replay = await replays.get(id);
    const touched = view(replay.view);
    // To a caller who may not see the view, its replays do not exist.
    if (!touched.every(({ namespace }) => sees(caller, namespace ?? EVERYWHERE))) noReplay(id);
    authorize(caller, 'operate', touched);
    return replay;
  };

  return {
    async start(request, caller) {
      authorize(caller, 'operate', view(request.view));
      return replays.start(request, caller);
    },
    async list(caller) {
      const visible = visibleNamespaces(caller, 'operate');
      return (await replays.list(caller)).filter((replay) =>
        visible(resources.namespaceOf(`feature-view/${replay.view}`)),
      );
    },
    get: async (id, caller) => authorizedReplay(caller, id),
    async compare(id, caller) {
      await authorizedReplay(caller, id);
      return replays.compare(id, caller);
    },
    async change(id, action, options, caller) {
      await authorizedReplay(caller, id);
      return replays.change(id, action, options, caller);
    },
  };
};
