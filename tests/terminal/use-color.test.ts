import { expect, test } from "bun:test";
import { decideColor } from "../../src/terminal/use-color.ts";

const decide = (environment: Record<string, string>, { isTerminal = true, noColorFlag = false } = {}) =>
    decideColor({ noColorFlag, environment, isTerminal });

test("a terminal has colours, a pipe and a dumb terminal have none", () => {
    expect(decide({ TERM: "xterm" })).toBe(true);
    expect(decide({ TERM: "xterm" }, { isTerminal: false })).toBe(false);
    expect(decide({ TERM: "dumb" })).toBe(false);
});

test("CI does not colour a pipe", () => {
    expect(decide({ CI: "true" }, { isTerminal: false })).toBe(false);
});

test("--no-color wins over NO_COLOR, that over FORCE_COLOR, that over what stdout is", () => {
    expect(decide({ FORCE_COLOR: "1" }, { noColorFlag: true })).toBe(false);
    expect(decide({ FORCE_COLOR: "1", NO_COLOR: "1" })).toBe(false);
    expect(decide({ FORCE_COLOR: "1" }, { isTerminal: false })).toBe(true);
    expect(decide({ FORCE_COLOR: "0" })).toBe(false);
});

test("a variable that is set to nothing is not set", () => {
    expect(decide({ NO_COLOR: "", FORCE_COLOR: "" })).toBe(true);
});
