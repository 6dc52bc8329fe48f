// Plain JavaScript that Node 12 can still read, as prepare.js.
import { install, isInstalled } from './dependencies.js';
import { alone } from './lock.js';
import { build, isBuilt } from './prepare.js';

/** Installs and builds what isn't there yet. Where all of it is, nothing is written: the checkout may be read-only. */
export function makeReady() {
  if (isInstalled() && isBuilt()) {
    return;
  }
  alone(() => {
    install();
    build();
  });
}
