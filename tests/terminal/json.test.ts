import { expect, test } from "bun:test";
import { formatJson } from "../../src/terminal/json.ts";

test("controls of a terminal and of the direction of text are escaped, and read back the same", () => {
    const value = { text: "a\u001b[2Jb\u009b31m\u202egnp.exe\u2028\u200b日本" };
    const json = formatJson(value);

    expect(json).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u2028\u200b]/);
    expect(json).toContain("日本");
    expect(JSON.parse(json)).toEqual(value);
});
