export * from '#domain/definitions/index.ts';
