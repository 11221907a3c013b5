/** SQL over the platform's tables. */
import { type Static, Type } from 'typebox';
import type { SqlTableInfo } from '#domain/api/sql.ts';
import { closed, epoch, nullable, oneOf, shapeOf, textOf, time } from './shapes.ts';

export const sqlBody = closed({
  sql: Type.String({ description: 'one read-only statement' }),
  engine: Type.Optional(Type.String()),
  known: Type.Optional(time),
  limits: Type.Optional(
    closed({ seconds: Type.Optional(Type.Integer()), rows: Type.Optional(Type.Integer()) }),
  ),
});
export type SqlBody = Static<typeof sqlBody>;

const column = Type.Object({ name: Type.String(), type: Type.String() });

/** The rows are lists, because two columns may have one name. */
export const sqlAnswer = Type.Object({
  columns: Type.Array(column),
  rows: Type.Array(Type.Array(Type.Unknown())),
  rowCount: Type.Integer(),
  engine: Type.String(),
  known: epoch,
  tables: Type.Array(
    Type.Object({
      name: Type.String(),
      position: Type.String(),
      snapshot: nullable(textOf<string>()),
    }),
  ),
});

export const sqlTables = Type.Array(
  shapeOf<SqlTableInfo>()(
    Type.Object({
      name: Type.String(),
      kind: oneOf('source', 'feature-service', 'feature-view'),
      of: Type.String(),
      description: Type.String(),
      columns: Type.Array(
        Type.Object({
          name: Type.String(),
          type: Type.String(),
          description: nullable(Type.String()),
        }),
      ),
    }),
  ),
);
