import type { ExecutionContext } from 'ava';
import type { Reply } from './client.ts';

/** A good answer: 200, two Cache-Control lines, readable by any page. */
export const isCacheable = (t: ExecutionContext, reply: Reply, seconds: number, type: string): void => {
  t.is(reply.status, 200);
  t.deepEqual(reply.lines('cache-control'), [`max-age=${seconds}`, 'public']);
  t.is(reply.header('content-type'), type);
  t.is(reply.header('access-control-allow-origin'), '*');
  t.regex(reply.header('etag') ?? '', /^"[\w-]+"$/);
};

/** A refusal: plain text and a newline, kept by nobody. */
export const isRefused = (t: ExecutionContext, reply: Reply, status: number, text: string): void => {
  t.is(reply.status, status);
  t.is(reply.text, `${text}\n`);
  t.is(reply.header('content-type'), 'text/plain; charset=utf-8');
  t.is(reply.header('x-content-type-options'), 'nosniff');
  t.deepEqual(reply.lines('cache-control'), ['max-age=0', 'private, no-store']);
  t.is(reply.header('access-control-allow-origin'), '*');
  t.is(reply.header('etag'), undefined);
};

/** HEAD says what GET says, without the body. */
export const isSameHead = (t: ExecutionContext, head: Reply, full: Reply): void => {
  const without = (reply: Reply): object =>
    Object.fromEntries(
      Object.entries(reply.headers).filter(
        ([name]) => !['date', 'x-request-id', 'connection'].includes(name),
      ),
    );
  t.is(head.status, full.status);
  t.is(head.body.length, 0);
  t.deepEqual(without(head), without(full));
};
