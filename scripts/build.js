import { requireNode } from './prepare.js';
import { makeReady } from './ready.js';

requireNode();
makeReady();
