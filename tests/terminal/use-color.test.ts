import { expect, test } from "bun:test";
import { decideColor } from "../../src/terminal/use-color.ts";

test.each([
    [true, "a terminal", { TERM: "xterm" }, {}],
    [false, "a pipe", { TERM: "xterm" }, { isTerminal: false }],
    [false, "a dumb terminal", { TERM: "dumb" }, {}],
    [false, "a pipe in CI", { CI: "true" }, { isTerminal: false }],
    [false, "--no-color against FORCE_COLOR", { FORCE_COLOR: "1" }, { noColorFlag: true }],
    [false, "NO_COLOR against FORCE_COLOR", { FORCE_COLOR: "1", NO_COLOR: "1" }, {}],
    [true, "FORCE_COLOR against a pipe", { FORCE_COLOR: "1" }, { isTerminal: false }],
    [false, "FORCE_COLOR=0", { FORCE_COLOR: "0" }, {}],
    [true, "variables that are set to nothing", { NO_COLOR: "", FORCE_COLOR: "" }, {}],
])("colour is %p for %s", (isColored, _case, environment, given) => {
    expect(decideColor({ environment, isTerminal: true, noColorFlag: false, ...given })).toBe(isColored);
});
