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

test("should fail: two streams with one table, however they name it", async () => {
    await database.sql.unsafe("create table if not exists public.things (id integer primary key, note text)");
    const cwd = makeFolder();
    mkdirSync(join(cwd, "streams"));
    mkdirSync(join(cwd, "inbox"));
    for (const [name, table] of [
        ["things", "things"],
        ["others", "public.things"],
    ] as const) {
        const text = `import { stream } from "sluice";\nexport default stream({ files: "${name}-*.csv", table: "${table}" });\n`;
        writeFileSync(join(cwd, "streams", `${name}.ts`), text);
    }
    const args = ["--database-url", database.url, "--input", join(cwd, "inbox"), "--trigger", "available-now"];
    const { exitCode, stderr } = await runScript("ingest", args, { cwd });

    expect(exitCode).toBe(3);
    expect(stderr).toContain("The streams others and things load into one table, public.things.");
    expect(stderr).toContain("code:  table_shared (exit 3)");
});
