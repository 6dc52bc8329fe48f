import { build, install, requireNode } from './prepare.js';

requireNode();
install();
build();
