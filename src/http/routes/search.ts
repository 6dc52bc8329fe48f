import type { Context } from 'koa';
import { createEncodingChoice } from '../encoding.ts';
import { createMemo } from '../memo.ts';
import { readCategoriesQuery, readSearchQuery } from '../query.ts';
import { createHeads, sendBody } from '../send.ts';
import type { RegistryRoutes } from './registry.ts';

/** `GET /search` */
export function searchRoute({ snapshot, answers, cacheTimes, allowUnknownParameters }: RegistryRoutes) {
  const read = createMemo((query) => readSearchQuery(query, allowUnknownParameters));
  const chooseEncoding = createEncodingChoice();
  const heads = createHeads({ type: 'application/json', maxAge: cacheTimes.search, varies: true });
  return (context: Context): void | Promise<void> => {
    const query = read(context.state['query'] as string);
    const encoding = chooseEncoding(context.req.headers['accept-encoding']);
    const body = answers.search(snapshot(), query, encoding);
    const head = heads[encoding];
    return body instanceof Promise
      ? body.then((made) => sendBody(context, made, head))
      : sendBody(context, body, head);
  };
}

/** `GET /categories` */
export function categoriesRoute({ snapshot, answers, cacheTimes, allowUnknownParameters }: RegistryRoutes) {
  const read = createMemo((query) => readCategoriesQuery(query, allowUnknownParameters));
  const chooseEncoding = createEncodingChoice();
  const heads = createHeads({ type: 'application/json', maxAge: cacheTimes.categories, varies: true });
  return (context: Context): void | Promise<void> => {
    const { query, includePolicyTemplates } = read(context.state['query'] as string);
    const encoding = chooseEncoding(context.req.headers['accept-encoding']);
    const body = answers.categories(snapshot(), query, includePolicyTemplates, encoding);
    const head = heads[encoding];
    return body instanceof Promise
      ? body.then((made) => sendBody(context, made, head))
      : sendBody(context, body, head);
  };
}
