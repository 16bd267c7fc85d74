import { describe, expect, test } from "bun:test";
import { readFaultPlan } from "../../src/config/config.ts";
import { SluiceError } from "../../src/errors.ts";

test("without FAULT_AT nothing is to break, whatever the action says", () => {
    expect(readFaultPlan({})).toBeNull();
    expect(readFaultPlan({ FAULT_AT: " ", FAULT_ACTION: "nonsense" })).toBeNull();
});

test("a point alone is killed at its first pass", () => {
    expect(readFaultPlan({ FAULT_AT: "in-copy" })).toEqual({ at: "in-copy", pass: 1, action: "kill" });
});

test("a pass and an action are taken as they are named", () => {
    expect(readFaultPlan({ FAULT_AT: "in-merge:12", FAULT_ACTION: "kill-backend" })).toEqual({
        at: "in-merge",
        pass: 12,
        action: "kill-backend",
    });
});

describe.each([
    ["a point that there is not", { FAULT_AT: "in-love" }],
    ["a pass of nought", { FAULT_AT: "in-copy:0" }],
    ["a pass that is no number", { FAULT_AT: "in-copy:x" }],
    ["a name that every object has", { FAULT_AT: "toString" }],
    ["an action that there is not", { FAULT_AT: "in-copy", FAULT_ACTION: "explode" }],
])("should fail: %s", (_, environment) => {
    test("is a configuration error that lists what there is", () => {
        const refuse = () => readFaultPlan(environment);
        expect(refuse).toThrow(SluiceError);
        expect(refuse).toThrow(/before-copy, in-copy.*kill-postmaster/s);
    });
});
