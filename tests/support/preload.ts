import { afterAll, afterEach } from "bun:test";
import fc from "fast-check";
import { closeFile, closeTest } from "./at-end.ts";

/** CI is to give the same answer for the same code: there the property tests take one seed; elsewhere each run draws its own. */
if (process.env.CI) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 20_261_122 });

/** With `bun run test` after each file, in a process of several: behind the file's own `afterAll`. */
afterEach(closeTest);
afterAll(closeFile);
