#!/usr/bin/env node
import { shieldStderr } from '../runtime/device/shield.js';
import { processIo } from './io.js';
import { runCli } from './program.js';

shieldStderr();
process.exitCode = await runCli(process.argv.slice(2), processIo());
