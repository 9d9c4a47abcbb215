#!/usr/bin/env node
import { runTrainer } from "./main.js";

process.exitCode = await runTrainer(process.argv.slice(2));
