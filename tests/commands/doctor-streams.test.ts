import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "../../src/commands/doctor/finding.ts";
import { makeFolder, useDatabase } from "../support/fixture.ts";
import { runScript } from "../support/run-script.ts";

const database = useDatabase(import.meta.path);

test("bun run doctor looks at the table of each stream", async () => {
    await database.sql.unsafe(`
        create table public.orders (id bigint primary key);
        create view public.sales as select * from public.orders`);
    const cwd = makeFolder();
    mkdirSync(join(cwd, "streams"));
    const declare = (name: string, table: string) =>
        writeFileSync(
            join(cwd, "streams", `${name}.ts`),
            `import { stream } from "sluice";
export default stream({ files: "${name}-*.csv", table: "${table}" });\n`,
        );
    declare("orders", "public.orders");
    declare("sales", "public.sales");
    declare("missing", "public.order");

    const { stdout } = await runScript("doctor", ["--json", "--database-url", database.url], { cwd });
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    const of = (name: string) => findings.find((finding) => finding.name === `stream ${name}`);
    expect(of("orders")).toMatchObject({ state: "note", found: expect.stringContaining("no file has been read yet") });
    expect(of("sales")).toMatchObject({ state: "fail", found: expect.stringContaining("is a view") });
    expect(of("missing")).toMatchObject({ state: "fail", remedy: expect.stringContaining("public.orders") });
});
