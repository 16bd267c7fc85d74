/** `.env.example` names every variable that is read, once, with a value that is taken; what it does not call an example is the default. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { settings } from "../../src/config/settings.ts";
import { knownVariables } from "../../src/config/unknown-variables.ts";
import { projectDir } from "../support/test-server.ts";

const text = readFileSync(join(projectDir, ".env.example"), "utf8");
const lines = [...text.matchAll(/^# ([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(([, name, value]) => ({
    name: name!,
    value: value!,
}));

/** Values that are no defaults, and said to be examples. */
const examples = [
    "databaseUrl",
    "directDatabaseUrl",
    "readDatabaseUrl",
    "mergeWorkers",
    "workerName",
    "maxRejects",
    "allowedHosts",
    "notifyWebhook",
    "notifySecret",
    "pageUrl",
];

test("each variable is in it once, and all of it is commented out", () => {
    expect(lines.map(({ name }) => name).sort()).toEqual(["DATABASE_URL", ...knownVariables].sort());
    expect(text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))).toEqual([]);
});

test.each(Object.entries(settings))(
    "%s has a value that is taken, and is the default unless it is an example",
    (name, setting) => {
        const { value } = lines.find((line) => line.name === setting.variable)!;
        const parsed = setting.parse(value);
        expect(parsed).toHaveProperty("value");
        if (examples.includes(name)) return;
        // A setting without a default of its own has the one that help names.
        const fallback = setting.fallback ?? (setting.fallbackText.split(",")[0] as never);
        expect("value" in parsed && parsed.value).toEqual(fallback as never);
    },
);
