/** The words that start a command, in advice. */
import { afterEach, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { programName } from "../../src/environment.ts";
import { makeFolder } from "../support/fixture.ts";

const before = process.cwd();
afterEach(() => process.chdir(before));

test("a package that npx found in the folder is called through npx, and nothing else is", () => {
    const folder = makeFolder();
    process.chdir(folder);
    const byNpx = { npm_lifecycle_event: "npx" };
    // From a file: `npx sluice` would look for it in the registry.
    expect(programName(byNpx, "package")).toBe("sluice");
    mkdirSync(join(folder, "node_modules/.bin"), { recursive: true });
    writeFileSync(join(folder, "node_modules/.bin/sluice"), "");
    expect(programName(byNpx, "package")).toBe("npx sluice");
    expect(programName({}, "package")).toBe("sluice");
    expect(programName(byNpx, "checkout")).toBe("bun run");
});
