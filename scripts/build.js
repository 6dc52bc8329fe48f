import { install } from './dependencies.js';
import { build, requireNode } from './prepare.js';

requireNode();
install();
build();
