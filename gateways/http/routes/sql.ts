import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { SqlAnswer } from '#domain/api/sql.ts';
import { ARROW_STREAM, arrowStream } from '#domain/sql-results/arrow-stream.ts';
import { csvStream } from '#domain/sql-results/csv-stream.ts';
import { callerOf } from '../caller.ts';
import { compact } from '../compact.ts';
import { JSON_TYPE } from '../json-type.ts';
import type { RouteModule } from '../route-module.ts';
import { answers } from '../schemas/shapes.ts';
import { type SqlBody, sqlAnswer, sqlBody, sqlTables } from '../schemas/sql.ts';
import { sqlJson } from '../sql-json.ts';
import { whileConnected } from '../while-connected.ts';

type Stream = AsyncIterable<string | Uint8Array>;

interface Format {
  readonly accept: string;
  readonly type: string;
  readonly write: (answer: SqlAnswer) => Stream;
}

/** The first that the request's `accept` names; else JSON. */
const FORMATS: readonly Format[] = [
  {
    accept: ARROW_STREAM,
    type: ARROW_STREAM,
    write: ({ columns, batches }) => arrowStream(columns, batches),
  },
  {
    accept: 'text/csv',
    type: 'text/csv; charset=utf-8',
    write: ({ columns, batches }) => csvStream(columns, batches),
  },
];
const JSON_FORMAT: Format = { accept: 'application/json', type: JSON_TYPE, write: sqlJson };

const formatOf = (accept = ''): Format =>
  FORMATS.find((format) => accept.toLowerCase().includes(format.accept)) ?? JSON_FORMAT;

/** What the formats other than JSON have no place for. */
const setHeaders = (reply: FastifyReply, { known, tables, rows }: SqlAnswer): void => {
  reply.header('x-millrace-known', String(known));
  reply.header('x-millrace-rows', String(rows));
  if (tables.length > 0)
    reply.header('x-millrace-positions', tables.map(({ position }) => position).join(' '));
};

export const sqlRoutes: RouteModule = {
  name: 'sql',
  prefix: '/v1/sql',
  register(app, { platform }) {
    app.post<{ Body: SqlBody }>(
      '/v1/sql',
      {
        schema: {
          tags: ['sql'],
          summary: 'Answer one read-only statement, as JSON, CSV or Arrow by `accept`',
          body: sqlBody,
          produces: [JSON_FORMAT, ...FORMATS].map(({ accept }) => accept),
          response: answers(200, sqlAnswer),
        },
      },
      async (request: FastifyRequest<{ Body: SqlBody }>, reply) => {
        const { sql, engine, limits } = request.body;
        const format = formatOf(request.headers.accept);
        const signal = whileConnected(reply);
        const answer = await platform.sql.query(
          { sql, signal, ...compact({ engine, limits: limits && compact(limits) }) },
          callerOf(request),
        );
        setHeaders(reply, answer);
        reply.header('content-type', format.type);
        const stream = Readable.from(format.write(answer), { objectMode: false });
        stream.once('close', answer.close);
        return reply.send(stream);
      },
    );
    app.get(
      '/v1/sql/tables',
      {
        schema: {
          tags: ['sql'],
          summary: 'The tables that the caller may read, with their columns',
          response: answers(200, sqlTables),
        },
      },
      (request) => platform.sql.tables(callerOf(request)),
    );
  },
};
