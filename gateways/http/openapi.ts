import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';

export const addOpenApi = async (app: FastifyInstance, version: string): Promise<void> => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.0.3',
      info: {
        title: 'Millrace',
        description: 'An event-sourced feature platform for machine learning.',
        version,
      },
    },
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
};
