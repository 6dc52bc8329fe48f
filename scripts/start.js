// `npm start`: install, build, serve. What stands behind `npm start --` goes to `serve`.
import { chdir } from 'process';
import { requireNode, root } from './prepare.js';
import { makeReady } from './ready.js';

requireNode();
makeReady();
chdir(root);
process.argv = process.argv.slice(0, 2).concat('serve', process.argv.slice(2));
// In this very process: signals, terminal and exit code are the server's own.
import('../bin/fleet-depot.js').catch(function (error) {
  process.stderr.write((error.stack || error) + '\n');
  process.exit(1);
});
