import type { Context } from 'koa';
import type { Body } from '../../answer/body.ts';
import { createBody } from '../../answer/body.ts';
import { renderJson } from '../../domain/json.ts';
import { sendBody } from '../send.ts';
import type { CacheTimes } from './registry.ts';

/** `GET /` and `GET /index.json`: what this is, for people and for clients that look for the service. */
export function rootRoute(name: string, version: string, cacheTimes: CacheTimes) {
  const body = createBody(
    Buffer.from(`${renderJson({ 'service.name': name, 'service.version': version })}\n`),
  );
  return (context: Context): void =>
    sendBody(context, body, { type: 'application/json', maxAge: cacheTimes.index });
}

/** `GET /favicon.ico` */
export function faviconRoute(icon: Body, cacheTimes: CacheTimes) {
  return (context: Context): void =>
    sendBody(context, icon, { type: 'image/x-icon', maxAge: cacheTimes.catchAll, ranges: true });
}
