import { afterAll, afterEach } from "bun:test";
import fc from "fast-check";
import { closeFile, closeTest } from "./at-end.ts";

/** CI is to give the same answer for the same code: there the property tests take one seed; elsewhere each run draws its own. */
if (process.env.CI) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 20_261_122 });

/** Streams that are declared in this checkout are its user's. A test that has some of its own runs in another folder. */
process.env.SLUICE_STREAMS_DIR = "no-streams";

/** With `bun run test` after each file, in a process of several: behind the file's own `afterAll`. */
afterEach(closeTest);
afterAll(closeFile);
