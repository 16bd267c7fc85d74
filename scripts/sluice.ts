#!/usr/bin/env bun
/** `sluice COMMAND`: the commands for users, in one program. Each is a script of its own, too: `bun run COMMAND`. */
import { runSluice } from "../src/commands/run-sluice.ts";
import { commandGroups } from "./sluice/commands.ts";

await runSluice(commandGroups);
