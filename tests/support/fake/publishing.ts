/** Publishing, as the fake platform does it. */
import type { Publishing, PublishRequest, RejectedEvent } from '#domain/api/publishing.ts';
import { fail } from '#domain/errors.ts';
import { TIME } from './samples.ts';
import type { FakeState } from './state.ts';

export const fakePublishing = ({ fake, position, of, log }: FakeState): Publishing => {
  const publish = (request: PublishRequest) => {
    const failure = fake.failures.shift();
    if (failure !== undefined) throw failure;
    of('source', request.source);
    let skip = 0;
    if (request.producer !== undefined) {
      const { id, sequence } = request.producer;
      const expected = fake.producers.get(id) ?? 0;
      if (sequence > expected)
        fail('MR_PRODUCER_SEQUENCE', `sequence ${sequence} leaves a gap: ${expected} is next`, {
          expected,
        });
      skip = Math.min(expected - sequence, request.events.length);
      fake.producers.set(id, Math.max(expected, sequence + request.events.length));
    }
    const rejected: RejectedEvent[] = [];
    request.events.slice(skip).forEach((event, i) => {
      const bad = typeof event !== 'object' || event === null || !('origin' in event);
      if (bad)
        rejected.push({
          index: skip + i,
          code: 'MR_FIELD_MISSING',
          field: 'origin',
          message: 'field "origin" is missing',
        });
      else fake.taken.push(event);
    });
    return {
      accepted: request.events.length - skip - rejected.length,
      duplicates: skip,
      rejected,
      position: position(),
    };
  };

  return {
    async publish(request, caller) {
      log('publish', request, caller);
      return publish(request);
    },
    async exportEvents(source) {
      if (source !== 'flights')
        return fail('MR_UNKNOWN_SOURCE', `there is no source "${source}"`, { source });
      return (async function* () {
        yield [
          { origin: 'ATL', delay: 3 },
          { origin: 'Zürich', delay: null },
        ];
        yield [];
        yield [{ origin: 'LAX', delay: 0.5 }];
      })();
    },
    async snapshot(request, caller) {
      log('snapshot', request, caller);
      return { time: TIME, added: 1, changed: 0, unchanged: 0, gone: 0, position: 'raw.s@0:1' };
    },
    async snapshots() {
      return [];
    },
    async producerSequence(_source, producer) {
      return fake.producers.get(producer) ?? 0;
    },
    async importHistory(request, caller) {
      log('importHistory', request, caller);
      return {
        accepted: request.events.length,
        duplicates: 0,
        rejected: [],
        position: position(),
      };
    },
    async importSequence(_source, producer) {
      return fake.producers.get(producer) ?? 0;
    },
    async rejected(source, query) {
      log('rejected', source, query);
      of('source', source);
      const record = {
        position: 'rejected.flights@0:0',
        logTime: TIME,
        code: 'MR_FIELD_MISSING',
        field: 'origin',
        message: 'field "origin" is missing',
        resent: null,
        event: { delay: 1 },
      };
      return { total: 1, records: [record], next: null };
    },
    async resendRejected(source, request, caller) {
      log('resendRejected', source, request, caller);
      return {
        accepted: request.positions.length,
        duplicates: 0,
        rejected: [],
        position: position(),
      };
    },
  };
};
