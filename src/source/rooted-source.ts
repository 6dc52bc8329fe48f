import type { PackageRef, PackageSource } from './source.ts';

/** A source that knows its refs again, also after they were sent to a worker thread and back. */
export interface RootedSource extends PackageSource {
  owns(ref: PackageRef): boolean;
}
