import test from 'ava';
import { messageOf } from '../../src/domain/errors.ts';
import { errnoOf } from '../../src/domain/system-error.ts';
import { isUnsupported } from '../../src/files/errno.ts';

const failed = (code: string, errno?: number): Error =>
  Object.assign(new Error(`${code}: what the system says, open '/srv/a'`), { code, errno });

test('what the system says of a file is told in words, and anything else as it is', (t) => {
  t.is(messageOf(failed('EIO')), 'the disk answers with an error');
  t.is(messageOf(failed('EROFS')), 'the file system is read-only');
  t.is(messageOf(failed('ECONNREFUSED')), "ECONNREFUSED: what the system says, open '/srv/a'");
  t.is(messageOf(new Error('no code')), 'no code');
  t.is(messageOf('no error'), 'no error');
});

test('a code that Node has no name for is known by its number', (t) => {
  const stale = failed('Unknown system error -116', -116);
  t.is(errnoOf(stale), 'ESTALE');
  t.is(messageOf(stale), 'the network share has changed under it');
  t.is(errnoOf(failed('Unknown system error -999', -999)), undefined);
  t.is(errnoOf(failed('ERR_INVALID_ARG_TYPE')), undefined);
  t.is(errnoOf({ code: 'EIO' }), undefined);
});

test('what a file system can not do at all is told from what failed', (t) => {
  t.true(['EPERM', 'ENOSYS', 'ENOTSUP'].every((code) => isUnsupported(failed(code))));
  t.false(['EIO', 'ENOSPC', 'EACCES', 'EROFS'].some((code) => isUnsupported(failed(code))));
});
