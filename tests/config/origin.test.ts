import { beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeOrigin, lineOf, originOfVariable } from "../../src/config/origin.ts";
import { makeFolder } from "../support/fixture.ts";

const dir = makeFolder();
beforeAll(() => {
    writeFileSync(join(dir, ".env"), `# ours\nSLUICE_PORT=5000\nexport SLUICE_HOST = "::1"\nSLUICE_TRIGGER=$PACE\n`);
});

const describeVariable = (name: string, value: string) => describeOrigin(originOfVariable(name, value, dir));

test("a variable with the value that .env gives it is from there, with its line", () => {
    expect(describeVariable("SLUICE_PORT", "5000")).toBe("SLUICE_PORT in .env, line 2");
    expect(describeVariable("SLUICE_HOST", "::1")).toBe("SLUICE_HOST in .env, line 3");
    expect(describeVariable("SLUICE_TRIGGER", "9s")).toBe("SLUICE_TRIGGER in .env, line 4");
});

test("one with another value, or of another name, is from outside", () => {
    expect(describeVariable("SLUICE_PORT", "6000")).toBe("SLUICE_PORT in the environment");
    expect(describeVariable("SLUICE_DATA_DIR", "x")).toBe("SLUICE_DATA_DIR in the environment");
});

test("the last line that sets a name counts; comments and longer names are others", () => {
    expect(lineOf("A=1\n#A=2\nAB=3\nA=4\n", "A")).toBe(4);
    expect(lineOf("#A=2\nAB=3\n", "A")).toBeNull();
});
