import { Router } from '@koa/router';
import Koa from 'koa';
import type { Context, Next } from 'koa';
import type { Body } from '../answer/body.ts';
import { DepotError } from '../domain/errors.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { accessLog } from './middleware/access-log.ts';
import { cleanPath } from './middleware/clean-path.ts';
import { errorResponse } from './middleware/error-response.ts';
import { methodGuard } from './middleware/method-guard.ts';
import type { RequestState } from './middleware/request-id.ts';
import { requestId } from './middleware/request-id.ts';
import { securityHeaders } from './middleware/security-headers.ts';
import { redirect } from './redirect.ts';
import { archiveRoute } from './routes/archive.ts';
import type { HealthSources } from './routes/health.ts';
import { healthRoute } from './routes/health.ts';
import { packageFileRoute, packageRoute } from './routes/package.ts';
import type { RegistryRoutes } from './routes/registry.ts';
import { faviconRoute, rootRoute } from './routes/root.ts';
import { categoriesRoute, searchRoute } from './routes/search.ts';

/** What the HTTP application is made of. */
export interface HttpAppOptions {
  readonly registry: RegistryRoutes;
  readonly health: HealthSources;
  readonly service: { readonly name: string; readonly version: string };
  readonly favicon: Body;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** The registry as a Koa application: every request goes this one way, from the top to the bottom. */
export function createHttpApp({
  registry,
  health,
  service,
  favicon,
  log,
  metrics,
}: HttpAppOptions): Koa<RequestState> {
  const app = new Koa<RequestState>();
  // Clients leave in the middle of answers all day long; the access log says 499.
  app.on('error', (error: Error) => log.debug({ err: error }, 'an answer was not sent whole'));
  app.use(requestId());
  app.use(accessLog(log, metrics));
  app.use(errorResponse(log));
  app.use(securityHeaders());
  app.use(methodGuard());
  app.use(cleanPath(registry.prefix));
  app.use(createRouter({ registry, health, service, favicon }).routes() as never);
  app.use(() => {
    throw new DepotError('ROUTE_UNKNOWN');
  });
  return app;
}

type Route = (context: Context) => void | Promise<void>;

function createRouter({
  registry,
  health,
  service,
  favicon,
}: Pick<HttpAppOptions, 'registry' | 'health' | 'service' | 'favicon'>): Router {
  const router = new Router({ strict: true, sensitive: true });
  const { cacheTimes, prefix } = registry;
  const add = (template: string, route: Route): void => {
    router.get(template, async (context: Context, _next: Next) => {
      context.state['route'] = template;
      await route(context);
    });
  };
  /** A route, and the same address with a slash behind it, which leads there. */
  const addFile = (template: string, route: Route): void => {
    add(template, route);
    add(`${template}/`, (context) => redirect(context, template, prefix));
  };
  add('/', rootRoute(service.name, service.version, cacheTimes));
  addFile('/index.json', rootRoute(service.name, service.version, cacheTimes));
  addFile('/health', healthRoute(health));
  addFile('/search', searchRoute(registry));
  addFile('/categories', categoriesRoute(registry));
  addFile('/favicon.ico', faviconRoute(favicon, cacheTimes));
  add('/package/:name/:version', packageRoute(registry));
  add('/package/:name/:version/', packageRoute(registry));
  add('/package/:name/:version/*path', packageFileRoute(registry));
  add('/epr/:any/*archive', archiveRoute(registry));
  return router;
}
