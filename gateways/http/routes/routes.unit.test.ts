/**
 * The file of a route is named after a word of its path. Every route is in the OpenAPI document,
 * and every route of the document is in a module.
 */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { httpModules } from '#gateways/http-modules.ts';
import { DEFAULT_LIMITS } from '#gateways/shared/limits.ts';
import { createFakePlatform } from '#tests/support/fake-platform.ts';
import { createApp } from '../app.ts';
import { createHttpGateway } from '../gateway.ts';
import type { RouteContext, RouteModule } from '../route-module.ts';

const context = { limits: DEFAULT_LIMITS, platform: {} } as unknown as RouteContext;

const routesOf = async (module: RouteModule): Promise<readonly string[]> => {
  const app = createApp(
    DEFAULT_LIMITS,
    () => undefined,
    undefined,
    (peer) => peer,
  );
  const routes: string[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    if (method !== 'HEAD') routes.push(`${method} ${url}`);
  });
  app.register(async (scope) => module.register(scope, context));
  await app.ready();
  await app.close();
  return routes;
};

/** The probes of Kubernetes have a `z` that our file leaves out. */
const wordsOf = (url: string): readonly string[] =>
  url === '/healthz' || url === '/readyz' ? ['health'] : url.split('/');

/** Modules in folders of their own; a web page, in `gateways/page`, would be one of them. */
const ELSEWHERE: readonly string[] = ['feast', 'iceberg', 'mcp'];

const modules = httpModules();
const modulesHere = modules.filter(({ name }) => !ELSEWHERE.includes(name));
const files = readdirSync(import.meta.dirname)
  .filter((file) => !file.includes('.test.'))
  .map((file) => file.replace('.ts', ''));

test('every file of routes is a module of its name, and is listed', () => {
  const names = modules.map(({ name }) => name);
  expect([...names].sort()).toEqual([...files, ...ELSEWHERE].sort());
});

test.each(modulesHere.map((module) => [module.name, module]))(
  '%s: the path of each route has this word, and begins with the prefix',
  async (name, module) => {
    const routes = await routesOf(module);
    expect(routes.length).toBeGreaterThan(0);
    const urls = routes.map((route) => route.split(' ')[1] as string);
    expect(urls.filter((url) => !wordsOf(url).includes(name))).toEqual([]);
    expect(urls.filter((url) => !url.startsWith(module.prefix))).toEqual([]);
    const own: { default?: unknown } = await import(`./${name}.ts`);
    expect(Object.values(own)).toContain(module);
  },
);

test('the OpenAPI document has the routes of the modules, and no others', async () => {
  const gateway = await createHttpGateway({ modules, platform: createFakePlatform(), port: 0 });
  try {
    const answer = await fetch(`${gateway.url}/docs/json`);
    const { paths } = (await answer.json()) as { paths: Record<string, Record<string, unknown>> };
    const documented = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map(
        (method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`,
      ),
    );
    const routes = (await Promise.all(modules.map(routesOf))).flat();
    expect(documented.sort()).toEqual([...routes].sort());
    expect(gateway.routes.filter((route) => !/ \/docs/.test(route)).sort()).toEqual(
      [...routes].sort(),
    );
  } finally {
    await gateway.close();
  }
});

test('a route outside its module’s prefix stops the start', async () => {
  const lost: RouteModule = {
    name: 'lost',
    prefix: '/v1/lost',
    register: (app) => void app.get('/v1/found', () => 'x'),
  };
  await expect(
    createHttpGateway({ modules: [lost], platform: createFakePlatform(), port: 0 }),
  ).rejects.toThrow('route /v1/found of module lost is outside /v1/lost');
});
