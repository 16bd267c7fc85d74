import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, useDatabase } from "../support/fixture.ts";
import { runScript } from "../support/run-script.ts";

const database = useDatabase(import.meta.path);

test.each([
    [`files: "*.csv", table: "public.things", aliases: { nr: "idd" }`, "aliases.nr", 'did you mean "id"?'],
    [`files: "*.csv", table: "public.things", delimitor: ";"`, "delimitor", "streams/things.ts"],
    [`files: "*.csv"`, "table", "streams/things.ts"],
])("should fail: a declaration of { %s }", async (declaration, setting, hint) => {
    await database.sql.unsafe("create table if not exists public.things (id integer primary key, note text)");
    const cwd = makeFolder();
    mkdirSync(join(cwd, "streams"));
    mkdirSync(join(cwd, "inbox"));
    writeFileSync(
        join(cwd, "streams", "things.ts"),
        `import { stream } from "sluice";\nexport default stream({ ${declaration} } as never);\n`,
    );
    const args = ["--database-url", database.url, "--input", join(cwd, "inbox"), "--trigger", "available-now"];
    const { exitCode, stderr } = await runScript("ingest", args, { cwd });
    expect(stderr).toContain(setting);
    expect(stderr).toContain(hint);
    expect(exitCode).toBe(3);
});
