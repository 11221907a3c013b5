import { Type } from 'typebox';
import type { ErrorCode, ErrorDetails, Problem } from '#domain/errors.ts';
import { record, shapeOf, textOf } from './shapes.ts';

export const problem = shapeOf<Problem>()(
  Type.Object({
    code: textOf<ErrorCode>(),
    message: Type.String(),
    details: Type.Optional(record<ErrorDetails>()),
  }),
);
