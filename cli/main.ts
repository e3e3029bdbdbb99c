#!/usr/bin/env node
import { shieldStderr } from '../runtime/device/shield.js';
import { processIo } from './io.js';
import { runCli } from './program.js';
import { followRelay, relay, wantsRelay } from './relay.js';

if (wantsRelay()) {
  await relay();
} else {
  followRelay();
  shieldStderr();
  process.exitCode = await runCli(process.argv.slice(2), processIo());
}
