import type { Depot } from '../../depot/depot.ts';
import { unlabelSnapshot } from '../../depot/marking.ts';
import { rollBack } from '../../depot/rollback.ts';
import { done, type Run } from './run.ts';

/** `snapshot init` */
export const init: Run = async (depot, flags, _args, io) => {
  // An empty change: it leaves the journal's first line.
  await depot.change('snapshot init', async () => undefined);
  return done(io, flags, { depot: depot.id }, `${depot.layout.root} is depot ${depot.id}`);
};

/** `snapshot rollback [snapshot]` */
export const rollback: Run = async (depot, flags, [name], io) => {
  const { id, before, wasCut } = await rollBack(depot, name);
  if (wasCut) {
    io.stderr.write(
      'note: the rollback before this one was killed after its switch; say `rollback` again to go back one further\n',
    );
  }
  return done(
    io,
    flags,
    { snapshot: id, previous: before ?? null },
    before === id ? `${id} is current already` : `${id} is current (before: ${before ?? 'none'})`,
  );
};

/** `snapshot pin|unpin|label`: `mark` returns the snapshot that had the label before. */
export const marking =
  (
    mark: (depot: Depot, id: string, label: string) => Promise<string | undefined | void>,
    what: string,
  ): Run =>
  async (depot, flags, [name = '', label = ''], io) => {
    const [id, before] = await depot.smallChange('snapshot mark', async () => {
      const found = await depot.snapshots.resolve(name);
      return [found, (await mark(depot, found, label)) ?? undefined] as const;
    });
    return done(
      io,
      flags,
      {
        snapshot: id,
        ...(label === '' ? {} : { label }),
        ...(before === undefined ? {} : { before }),
      },
      `${id} is ${what} ${label}${before === undefined ? '' : ` (before: ${before}, which it no longer keeps from gc)`}`.trimEnd(),
    );
  };

/** `snapshot unlabel <name>` */
export const unlabel: Run = async (depot, flags, [name = ''], io) => {
  await depot.smallChange('snapshot unlabel', () => unlabelSnapshot(depot, name));
  return done(io, flags, { label: name }, `label ${name} is gone`);
};
