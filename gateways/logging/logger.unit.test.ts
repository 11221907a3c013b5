import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LOG_LEVELS, type LogFields } from '#domain/ports/logger.ts';
import { createLogger, type LoggerOptions } from './logger.ts';
import { type AnsweredRequest, createRequestLog, logInternalError } from './request-log.ts';

const lines = (options: Partial<LoggerOptions> = {}) => {
  const written: string[] = [];
  const log = createLogger({
    format: 'json',
    level: 'info',
    now: () => 0,
    write: (line) => written.push(line),
    ...options,
  });
  return { log, written };
};

test('JSON: one object a line, with time, level and message, and the fields that have a value', () => {
  const { log, written } = lines();
  log.log('warn', 'it\nhappened', {
    route: 'GET /',
    status: 404,
    code: null,
    trace: undefined,
    ok: false,
  });
  expect(written).toEqual([
    `${JSON.stringify({ time: '1970-01-01T00:00:00.000Z', level: 'warn', message: 'it\nhappened', route: 'GET /', status: 404, ok: false })}\n`,
  ]);
});

test('text: a line is one line, whatever is in it', () => {
  const { log, written } = lines({ format: 'text' });
  log.log('info', 'it\nhappened\u001b[31m', { route: 'GET /v1', status: 404 });
  expect(written).toEqual([
    '1970-01-01T00:00:00.000Z INFO  it happened [31m route="GET /v1" status=404\n',
  ]);
});

test('whatever a field holds, a line is one line and says it back', () => {
  const field = fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.boolean());
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), field),
      (message, fields) => {
        for (const format of ['json', 'text'] as const) {
          const { log, written } = lines({ format });
          log.log('error', message, fields as LogFields);
          expect(written.join('').split('\n')).toEqual([expect.any(String), '']);
          if (format === 'json')
            expect(JSON.parse(written[0] as string)).toMatchObject({ message, ...fields });
        }
      },
    ),
  );
});

test.each(LOG_LEVELS)(
  'at level %s, what is less grave is not written, and says so before',
  (level) => {
    const { log, written } = lines({ level });
    const from = LOG_LEVELS.indexOf(level);
    for (const each of LOG_LEVELS) log.log(each, each);
    expect(written.map((line) => JSON.parse(line).level)).toEqual(LOG_LEVELS.slice(from));
    expect(LOG_LEVELS.map(log.writes)).toEqual(LOG_LEVELS.map((_, i) => i >= from));
  },
);

describe('requests', () => {
  const answered: AnsweredRequest = {
    protocol: 'http',
    route: 'POST /v1/features',
    status: 200,
    durationMs: 1.23456,
    refusal: null,
    failed: false,
    requestId: 'r-1',
    traceId: undefined,
    actor: () => 'ann',
  };
  const logged = (
    request: Partial<AnsweredRequest>,
    level: LoggerOptions['level'] = 'info',
  ): unknown[] => {
    const { log, written } = lines({ level });
    const requests = createRequestLog(log, 100);
    const whole = { ...answered, ...request };
    if (requests.wants(whole.durationMs, whole.refusal !== null)) requests.add(whole);
    return written.map((line) => JSON.parse(line));
  };

  test('an answered one is told at debug only, and nobody is asked who sent it', () => {
    const actor = () => expect.unreachable();
    expect(logged({ actor })).toEqual([]);
    expect(logged({}, 'debug')).toEqual([
      {
        time: '1970-01-01T00:00:00.000Z',
        level: 'debug',
        message: 'request answered',
        request: 'r-1',
        actor: 'ann',
        protocol: 'http',
        route: 'POST /v1/features',
        status: 200,
        ms: 1.235,
      },
    ]);
  });

  test.each([
    ['refused', { status: 404, refusal: 'MR_NOT_FOUND' as const }, 'info', 'request refused'],
    ['slow', { status: 200, durationMs: 100 }, 'warn', 'request was slow'],
    [
      'failed',
      { status: 500, refusal: 'MR_INTERNAL' as const, failed: true },
      'error',
      'request failed',
    ],
  ])('a %s one always is', (_, request, level, message) => {
    expect(logged({ traceId: 't', ...request })).toMatchObject([
      { level, message, trace: 't', status: request.status },
    ]);
  });

  test('who does not say who they are is logged without it', () => {
    const [line] = logged({ refusal: 'MR_PARAMETER_INVALID', actor: () => expect.unreachable() });
    expect(line).not.toHaveProperty('actor');
  });

  test('an internal error is told with its request and its cause', () => {
    const { log, written } = lines();
    logInternalError(log)(new TypeError('x is not a function'), 'r-1');
    expect(JSON.parse(written[0] as string)).toMatchObject({
      level: 'error',
      message: 'internal error',
      request: 'r-1',
      error: 'TypeError: x is not a function',
      stack: expect.stringContaining('logger.unit.test.ts'),
    });
  });
});
