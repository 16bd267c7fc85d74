import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { readTable } from "../../src/streams/catalog/read-table.ts";
import { ruleOf } from "../../src/streams/types/rule-of.ts";
import type { TypeRule } from "../../src/streams/types/type-rule.ts";
import { useDatabase } from "../support/fixture.ts";
import { projectDir } from "../support/test-server.ts";
import { documentedTypes, renderTypes } from "./documented-types.ts";

const { sql } = useDatabase(import.meta.path);

async function ruleOfDdl(ddl: string): Promise<TypeRule> {
    await sql.unsafe(`drop table if exists tried; create table tried (c ${ddl})`);
    const table = await readTable(sql, "tried");
    const rule = ruleOf(table!.columns[0]!);
    if ("refused" in rule) throw new Error(`${ddl} is refused: ${rule.refused}`);
    return rule;
}

async function reasonOf(rule: TypeRule, text: string): Promise<string | null> {
    const [row] = await sql.unsafe<{ reason: string | null }[]>(
        `select ${rule.reason("given.value")} as reason from (select $1::text as value offset 0) as given`,
        [text],
    );
    return row!.reason;
}

test("docs/types.md has the table that bun tests/streams/write-types.ts writes", async () => {
    expect(await Bun.file(join(projectDir, "docs", "types.md")).text()).toContain(renderTypes());
});

describe("docs/types.md says of", () => {
    test.each(documentedTypes.map((type) => [type.title ?? type.types.join(), type] as const))(
        "%s what the rule does",
        async (_, { types, setup, accepted, refused, reasons }) => {
            await sql.unsafe(
                `${setup ?? "select 1"}; ${types.join().includes("citext") ? "create extension citext" : ""}`,
            );
            for (const extension of ["hstore", "ltree"]) {
                if (types.includes(extension)) await sql.unsafe(`create extension ${extension}`);
            }
            for (const type of types) {
                const rule = await ruleOfDdl(type);
                expect([type, rule.reasons]).toEqual([type, reasons]);
                for (const text of accepted)
                    expect([type, text, await reasonOf(rule, text)]).toEqual([type, text, null]);
                for (const [text, reason] of refused) {
                    expect([type, text, await reasonOf(rule, text)]).toEqual([type, text, reason]);
                }
            }
        },
    );
});

test.each([
    ["money", "lc_monetary"],
    ["regclass", "own use"],
    ["aclitem", "own use"],
    ["box[]", "arrays of boxes"],
    ["money[]", "lc_monetary"],
    ["int2vector", "own use"],
])("%s is refused", async (ddl, why) => {
    await expect(ruleOfDdl(ddl)).rejects.toThrow(why);
});
