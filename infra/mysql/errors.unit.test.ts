/**
 * A mistake of ours is never told as a server that does not answer, and a server that does not
 * answer never as a mistake.
 */
import { expect, test } from 'vitest';
import { openMysql } from './database.ts';
import { isUnavailable } from './errors.ts';

const error = (fields: object, message = 'what it says'): Error =>
  Object.assign(new Error(message), fields);

test.each([
  ['nobody listens', error({ code: 'ECONNREFUSED', errno: -111 })],
  [
    'nobody listens on any address',
    Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }),
  ],
  ['the connection broke', error({ code: 'PROTOCOL_CONNECTION_LOST', fatal: true })],
  ['no answer in time', error({ code: 'PROTOCOL_SEQUENCE_TIMEOUT' })],
  ['it goes down', error({ code: 'ER_SERVER_SHUTDOWN', errno: 1053 })],
  ['too many connections', error({ code: 'ER_CON_COUNT_ERROR', errno: 1040 })],
  [
    'a command on a connection that broke',
    error({ fatal: true }, "Can't add new command when connection is in closed state"),
  ],
])('%s: no server', (_, given) => expect(isUnavailable(given)).toBe(true));

test.each([
  ['a mistake of ours', new TypeError("Cannot read properties of undefined (reading 'x')")],
  ['of ours, in what is read', new SyntaxError('Unexpected token')],
  ['a statement that is wrong', error({ code: 'ER_PARSE_ERROR', errno: 1064 })],
  ['a duplicate', error({ code: 'ER_DUP_ENTRY', errno: 1062 })],
  ['a password that is wrong', error({ code: 'ER_ACCESS_DENIED_ERROR', errno: 1045 })],
  ['a file that is absent', error({ code: 'ENOENT', errno: -2 })],
  ['not an error at all', undefined],
])('%s: passes', (_, given) => expect(isUnavailable(given)).toBe(false));

test('where nobody listens, opening says so and leaves no connection behind', async () => {
  const address = { host: '127.0.0.1', port: 1, user: 'u', password: 'secret', database: 'd' };
  await expect(openMysql(address)).rejects.toMatchObject({
    code: 'MR_STORE_UNAVAILABLE',
    message: expect.stringMatching(/^MySQL at 127\.0\.0\.1:1 does not answer: (?!.*secret)/),
  });
});
