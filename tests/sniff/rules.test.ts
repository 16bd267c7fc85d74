import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { sniffFile } from "../../src/operations/sniff/sniff-file.ts";
import { readTable } from "../../src/streams/catalog/read-table.ts";
import { ruleOf } from "../../src/streams/types/rule-of.ts";
import { createNumberReader } from "../../src/streams/values/read-number.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { corpusFiles } from "./corpus-files.ts";
import { readIndependently } from "./read-independently.ts";
import { readingLimits } from "./reading-limits.ts";

let database: TestDatabase;

beforeAll(async () => {
    database = await createTestDatabase(import.meta.path);
});
afterAll(() => database.drop());

describe("a type is proposed only if the rule of the type takes every value of the file", () => {
    for (const { file, path, expected } of corpusFiles) {
        test(file, async () => {
            const { sql } = database;
            const options = expected.options ?? {};
            const { columns, source } = await sniffFile({ config: readingLimits, path, settings: options });
            if (columns.length === 0) return;
            const hasHeader = !Array.isArray(options.header);
            const { header, records } = readIndependently(path, options.encoding ?? null, hasHeader);
            const definitions = columns.map(
                ({ name, type, isNullable }) => `"${name}" ${type}${isNullable ? "" : " not null"}`,
            );
            await sql.unsafe(`drop table if exists proposed; create table proposed (${definitions.join(", ")})`);
            const table = await readTable(sql, "proposed");
            const readNumber = source.numbers ? createNumberReader(source.numbers) : (value: string) => value;
            const nulls = new Set(["", ...(source.nulls ?? [])]);
            for (const [index, column] of table!.columns.entries()) {
                const rule = ruleOf(column);
                if ("refused" in rule) throw new Error(`${column.name}: ${rule.refused}`);
                // A column that has neither a name nor a value is none.
                const place = file.startsWith("headers_awkward") ? header.indexOf(columns[index]!.fileName) : index;
                const values = records.map((record) => record[place]!).filter((value) => !nulls.has(value));
                const texts = values.map((value) => (rule.loader.writtenAs === "numbers" ? readNumber(value) : value));
                const refused = await sql.unsafe(
                    `select value, ${rule.reason("value")} as reason
                    from unnest($1::text[]) as value
                    where ${rule.reason("value")} is not null`,
                    [texts],
                );
                expect([...refused]).toEqual([]);
                if (!column.isNotNull) continue;
                expect(values).toHaveLength(records.length);
            }
        });
    }
});
