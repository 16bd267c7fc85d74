/** Whatever is wrong with a file: what is logged, and what the ledger says of the file, holds no value of a record. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { header, idOf, makeFolder, useDatabase } from "../support/fixture.ts";
import { runScript } from "../support/run-script.ts";

setDefaultTimeout(90_000);

const database = useDatabase(import.meta.path);
const inputDir = makeFolder();

/** Every value is one that nobody may find again. */
const record = (n: number, price = "1.00") =>
    `${idOf(n)},view,secret-p${n},secret-u${n},2024-01-01 00:00:00,1,${price}`;
const gzip = (text: string) => Bun.gzipSync(Buffer.from(text));

const hostile: Record<string, string | Uint8Array> = {
    "no-header.csv": `${record(1)}\n${record(2)}\n`,
    "no-header-semicolons.csv": `${record(3).replaceAll(",", ";")}\n`,
    "no-header-quoted.csv": `"secret ""name""","secret, street"\nx,y\n`,
    "no-header-twice-the-same.csv": "secret-a,secret-a,secret-b\n",
    "no-header-broken.csv": `${idOf(4)},secret-"p4,x\n`,
    "no-header-of-constants.csv": "secret-c,secret-c,secret-d\nsecret-e,secret-e,secret-f\n",
    "no-header-new-columns.csv": "secret-g,secret-h\n",
    "no-header-nul.csv": "secret-\0,x\n",
    "no-header-latin-1.csv": Buffer.from("secret-\xe9,x\n", "latin1"),
    "no-header.csv.gz": gzip(`${record(5)}\n`),
    "no-header.json.csv": '{"email":"secret@example.org"}\n',
    "utf-16.csv": Buffer.from(`\ufeff${record(6)}\n`, "utf16le"),
    "truncated.csv.gz": gzip(`${header}\n${record(7)}\n`).subarray(0, 60),
    "rejects.csv": `${header}\n${record(8, "secret-price")}\n${idOf(9)},secret-type,p,u,secret-time,secret-q,1\nsecret,"secret\n`,
    "conflict.csv": `${header}\n${record(10)}\n${record(10, "2.00")}\n`,
    "refused-by-the-table.csv": `${header}\n${record(66_666)}\n`,
};

const configText = `export default { sources: [
    {
        match: "no-header-of-constants.csv",
        constants: { event_type: "view", product_id: "p", user_id: "u", event_timestamp: "2024-01-01 00:00:00" },
        deriveEventId: { from: "record" },
    },
    {
        match: "no-header-new-columns.csv",
        newColumns: "reject-file",
        constants: { event_type: "view", product_id: "p", user_id: "u", event_timestamp: "2024-01-01 00:00:00" },
        deriveEventId: { from: "record" },
    },
] };`;

test("should fail or be rejected: sixteen hostile files, of whose values no log line and no problem holds any", async () => {
    await database.sql.unsafe(`
        create function refuse() returns trigger language plpgsql as $$
        begin
            raise exception 'refused: %', new.product_id using detail = new.user_id, errcode = '22000';
        end $$;
        create trigger refuse before insert on events for each row
        when (new.product_id = 'secret-p66666') execute function refuse()`);
    for (const [name, content] of Object.entries(hostile)) await writeFile(join(inputDir, name), content);
    const config = join(inputDir, "sluice.config.ts");
    await writeFile(config, configText);
    const said: string[] = [];
    for (const format of ["text", "json"]) {
        const { stdout, stderr } = await runScript("ingest", [
            ...["--trigger", "available-now", "--tail-settle", "0", "--input", inputDir, "--config", config],
            ...["--database-url", database.url, "--log-format", format],
        ]);
        said.push(stdout, stderr);
        await database.sql`update ingest.files set next_attempt_at = now() where state = 'failed'`;
    }
    said.push(...(await texts(`select problem_detail from ingest.files where problem_detail is not null`)));
    for (const name of ["status", "files", "doctor"]) {
        said.push((await runScript(name, ["--database-url", database.url, "--input", inputDir])).stdout);
    }

    const failed = await texts(`select path from ingest.files where state = 'failed'`);
    expect(failed.length).toBeGreaterThan(10);
    const all = said.join("\n");
    for (const path of failed) expect(all).toContain(path);
    expect(all.match(/^.*secret.*$/gim) ?? []).toEqual([]);
    expect(all.match(/^.*00000000-0000-4000.*$/gim) ?? []).toEqual([]);
});

async function texts(query: string): Promise<string[]> {
    return (await database.sql.unsafe(query)).map((row) => String(Object.values(row)[0]));
}
