#!/usr/bin/env node
// The installed command: the built program is all there is to start.
import '../build/src/main.js';
