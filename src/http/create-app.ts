import { Router } from '@koa/router';
import Koa from 'koa';
import type { Context, Middleware, Next } from 'koa';
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
import { answerHeaders } from './middleware/answer-headers.ts';
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
  app.use(answerHeaders());
  app.use(errorResponse(log));
  app.use(methodGuard());
  app.use(cleanPath(registry.prefix));
  app.use(fixedRoutes(fixedPaths({ registry, health, service, favicon })));
  app.use(createRouter(registry).routes() as never);
  app.use(() => {
    throw new DepotError('ROUTE_UNKNOWN');
  });
  return app;
}

type Route = (context: Context) => void | Promise<void>;

/** Addresses without a variable part; with a slash behind it each leads to itself. */
function fixedPaths({
  registry,
  health,
  service,
  favicon,
}: Pick<HttpAppOptions, 'registry' | 'health' | 'service' | 'favicon'>): ReadonlyMap<string, Route> {
  const root = rootRoute(service.name, service.version, registry.cacheTimes);
  const routes = new Map<string, Route>([
    ['/index.json', root],
    ['/health', healthRoute(health)],
    ['/search', searchRoute(registry)],
    ['/categories', categoriesRoute(registry)],
    ['/favicon.ico', faviconRoute(favicon, registry.cacheTimes)],
  ]);
  const paths = [...routes.keys()];
  for (const path of paths) {
    routes.set(`${path}/`, (context) => redirect(context, path, registry.prefix));
  }
  return routes.set('/', root);
}

/** Looks fixed addresses up, which is quicker than trying one pattern after another. */
function fixedRoutes(routes: ReadonlyMap<string, Route>): Middleware<RequestState> {
  return (context, next) => {
    const route = routes.get(context.state.path);
    if (!route) {
      return next();
    }
    context.state.route = context.state.path;
    return route(context);
  };
}

/** Addresses of packages, their files and archives. */
function createRouter(registry: RegistryRoutes): Router {
  const router = new Router({ strict: true, sensitive: true });
  const add = (template: string, route: Route): void => {
    router.get(template, (context: Context, _next: Next) => {
      context.state['route'] = template;
      return route(context);
    });
  };
  add('/package/:name/:version', packageRoute(registry));
  add('/package/:name/:version/', packageRoute(registry));
  add('/package/:name/:version/*path', packageFileRoute(registry));
  add('/epr/:any/*archive', archiveRoute(registry));
  return router;
}
