import { type Static, Type } from 'typebox';
import type { LineageGraph } from '#domain/api/registry.ts';
import { asOf } from './registry.ts';
import { closed, epoch, nullable, record, shapeOf } from './shapes.ts';

export const lineageQuery = closed({ name: Type.Optional(Type.String()), asOf });
export type LineageQuery = Static<typeof lineageQuery>;

export const lineageGraph = shapeOf<LineageGraph>()(
  Type.Object({
    nodes: Type.Array(
      Type.Object({
        id: Type.String(),
        kind: Type.String(),
        dataset: Type.Optional(
          Type.Object({
            version: Type.Integer(),
            createdAt: epoch,
            rows: nullable(Type.Integer()),
          }),
        ),
      }),
    ),
    edges: Type.Array(Type.Object({ from: Type.String(), to: Type.String() })),
  }),
);

export const lineageEvents = Type.Object({ events: Type.Array(record()), next: Type.Integer() });
