/** Serving, as the fake platform does it. */
import type { ReadRequest, Serving } from '#domain/api/serving.ts';
import { fail } from '#domain/errors.ts';
import { FEATURES, feature, SERVED, SKEW, TIME } from './samples.ts';
import type { FakeState } from './state.ts';

export const fakeServing = ({ fake, position, of, log }: FakeState): Serving => {
  const read = (request: ReadRequest) => {
    if (request.service !== undefined) of('feature-service', request.service);
    return {
      features: FEATURES,
      values: request.entities.map((_, i) => (i % 2 === 0 ? [3, 2.5] : [0, null])),
      status: request.entities.map((_, i) =>
        i % 2 === 0 ? (['present', 'present'] as const) : (['present', 'null'] as const),
      ),
      entities: request.entities,
      views: [
        {
          view: 'airport_delays',
          version: 1,
          generation: 1,
          eventTime: TIME,
          position: position(),
          completeThrough: TIME,
        },
      ],
      at: request.at ?? TIME,
      known: request.known ?? TIME,
      ...(fake.modes.length === 0 ? {} : { degraded: fake.modes }),
    };
  };

  return {
    async read(request) {
      log('read', request);
      if (fake.hold !== null) await fake.hold;
      return read(request);
    },
    async explain(request) {
      log('explain', request);
      return {
        view: request.view ?? '',
        feature: request.feature,
        entity: request.entity,
        at: request.at ?? TIME,
        known: request.known ?? TIME,
        value: 3,
        status: 'present',
        type: 'long',
        window: '1d',
        hop: '1h',
        version: 1,
        generation: 1,
        definition: feature,
        covers: { from: TIME - 86_400_000, to: TIME },
        tiles: [
          {
            start: TIME - 3_600_000,
            end: TIME,
            newestEventTime: TIME - 1000,
            state: { count: 3 },
          },
        ],
        updates: [
          {
            position: 'features.airport_delays@0:3',
            logTime: TIME,
            tileStart: TIME - 3_600_000,
            cause: 'raw.flights@0:2',
          },
        ],
        events: [
          {
            position: 'raw.flights@0:2',
            eventTime: TIME - 1000,
            logTime: TIME,
            importedKnownTime: null,
            row: { origin: 'ATL' },
            counted: true,
            why: null,
          },
        ],
        eventsTotal: 1,
        recomputed: 3,
        matches: true,
      };
    },
    async featureLog(service, { requestId }) {
      of('feature-service', service);
      if (requestId !== 'r-1')
        return fail(
          'MR_NOT_FOUND',
          `nothing that "${service}" served to request "${requestId}" was logged`,
        );
      return [SERVED];
    },
    async skew(request) {
      of('feature-service', request.service);
      log('skew', request);
      return SKEW;
    },
  };
};
