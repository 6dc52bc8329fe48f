import { Router } from '@koa/router';
import type { Context, Next } from 'koa';
import { LRUCache } from 'lru-cache';
import type { Body } from '../answer/body.ts';
import { DepotError } from '../domain/errors.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { createApplication, type Application, type Step } from './application.ts';
import type { ClientAddress } from './client-address.ts';
import { accessLog } from './middleware/access-log.ts';
import { cleanPath } from './middleware/clean-path.ts';
import { errorResponse } from './middleware/error-response.ts';
import { hostGuard } from './middleware/host-guard.ts';
import { methodGuard } from './middleware/method-guard.ts';
import { requestId } from './middleware/request-id.ts';
import { answerHeaders } from './middleware/answer-headers.ts';
import { redirect } from './redirect.ts';
import { archiveRoute } from './routes/archive.ts';
import type { HealthSources } from './routes/health.ts';
import { healthRoute } from './routes/health.ts';
import { packageFileRoute } from './routes/package-file.ts';
import { packageRoute } from './routes/package.ts';
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
  readonly clientOf: ClientAddress;
}

/** The registry as a Koa application: every request goes this one way, from the top to the bottom. */
export function createHttpApp({
  registry,
  health,
  service,
  favicon,
  log,
  metrics,
  clientOf,
}: HttpAppOptions): Application {
  // Clients leave in the middle of answers all day long; the access log says 499.
  const app = createApplication((error) => log.debug({ err: error }, 'an answer was not sent whole'));
  app.use(requestId());
  app.use(accessLog(log, metrics, clientOf));
  app.use(answerHeaders());
  app.use(errorResponse(log));
  app.use(hostGuard());
  app.use(methodGuard());
  app.use(cleanPath(registry.prefix));
  const known = new LRUCache<string, KnownPath>({ max: keptPaths });
  app.use(knownPaths(fixedPaths({ registry, health, service, favicon }), known));
  const routes = createRouter(registry, known).routes();
  app.use((context, next) => routes(context as never, async () => next(context)) as Promise<void>);
  app.use(() => {
    throw new DepotError('ROUTE_UNKNOWN');
  });
  return app;
}

type Route = (context: Context) => void | Promise<void>;

/** What the router found for a path. */
interface KnownPath {
  readonly template: string;
  readonly route: Route;
}

/** Files and packages that are asked for again and again, some hundred bytes each. */
const keptPaths = 4096;

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

/** Looks addresses up, fixed ones and those that the router found before: quicker than trying one pattern after another. */
function knownPaths(fixed: ReadonlyMap<string, Route>, known: LRUCache<string, KnownPath>): Step {
  return (context, next) => {
    const { path } = context.state;
    const route = fixed.get(path);
    if (route) {
      context.state.route = path;
      return route(context);
    }
    const found = known.get(path);
    if (found) {
      context.state.route = found.template;
      return found.route(context);
    }
    return next(context);
  };
}

/** Addresses of packages, their files and archives. What a route needs of the path it reads once, for as long as `known` has it. */
function createRouter(registry: RegistryRoutes, known: LRUCache<string, KnownPath>): Router {
  const router = new Router({ strict: true, sensitive: true });
  const add = (template: string, routeOf: (path: string) => Route): void => {
    router.get(template, (context: Context, _next: Next) => {
      const path = context.state['path'] as string;
      const route = routeOf(path);
      known.set(path, { template, route });
      context.state['route'] = template;
      return route(context);
    });
  };
  const archive = archiveRoute(registry);
  add('/package/:name/:version', packageRoute(registry));
  add('/package/:name/:version/', packageRoute(registry));
  add('/package/:name/:version/*path', packageFileRoute(registry));
  add('/epr/:any/*archive', () => archive);
  return router;
}
