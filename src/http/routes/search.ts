import type { Context } from 'koa';
import { chooseEncoding } from '../encoding.ts';
import { readCategoriesQuery, readSearchQuery } from '../query.ts';
import { sendBody } from '../send.ts';
import type { RegistryRoutes } from './registry.ts';

/** `GET /search` */
export function searchRoute({ snapshot, answers, cacheTimes, allowUnknownParameters }: RegistryRoutes) {
  return async (context: Context): Promise<void> => {
    const query = readSearchQuery(context.querystring, allowUnknownParameters);
    const encoding = chooseEncoding(context.req.headers['accept-encoding']);
    const body = await answers.search(snapshot(), query, encoding);
    sendBody(context, body, { type: 'application/json', maxAge: cacheTimes.search, varies: true, encoding });
  };
}

/** `GET /categories` */
export function categoriesRoute({ snapshot, answers, cacheTimes, allowUnknownParameters }: RegistryRoutes) {
  return async (context: Context): Promise<void> => {
    const { query, includePolicyTemplates } = readCategoriesQuery(
      context.querystring,
      allowUnknownParameters,
    );
    const encoding = chooseEncoding(context.req.headers['accept-encoding']);
    const body = await answers.categories(snapshot(), query, includePolicyTemplates, encoding);
    sendBody(context, body, {
      type: 'application/json',
      maxAge: cacheTimes.categories,
      varies: true,
      encoding,
    });
  };
}
