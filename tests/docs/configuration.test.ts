/** The table of docs/configuration.md has every setting, with its flag, its variable and its name in sluice.config.ts. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nameInFile, type SettingName, settings } from "../../src/config/settings.ts";
import { projectDir } from "../support/test-server.ts";

const page = readFileSync(join(projectDir, "docs/configuration.md"), "utf8");
const rows = page.split("\n").filter((line) => line.startsWith("| "));
const codesOf = (cell: string) => /`([^`]+)`/.exec(cell)?.[1];

test("each setting has a row, with the names that the code knows", () => {
    const documented = rows.map((row) => row.split(" | ").slice(0, 3).map(codesOf));
    const known = Object.entries(settings)
        .filter(([, { flag }]) => flag !== null)
        .map(([name, { flag, variable }]) => [
            flag!.split(" ")[0],
            variable,
            nameInFile(name as SettingName)?.replace("settings.", ""),
        ]);

    expect(documented.filter(([flag]) => flag !== undefined).toSorted()).toEqual(known.toSorted());
});

test("variables without a flag are named too", () => {
    const variables = rows.filter((row) => row.startsWith("| – ")).map((row) => codesOf(row.split(" | ")[1]!));

    expect(variables).toEqual([
        "SLUICE_DIRECT_DATABASE_URL",
        "SLUICE_READ_DATABASE_URL",
        "SLUICE_API_TOKEN",
        "SLUICE_NOTIFY_SECRET",
        "SLUICE_S3_PATH_STYLE",
        "SLUICE_STREAMS_DIR",
    ]);
});
