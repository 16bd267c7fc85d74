/** Commands that take a file or a folder, with objects of a bucket. */
import { beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkBucket } from "../../src/commands/doctor/check-bucket.ts";
import { useEmptyDatabase, useFolder } from "../support/fixture.ts";
import { impatient, isThereObjectStore } from "../support/object-store.ts";
import { runScript } from "../support/run-script.ts";
import { useBucket } from "../support/use-bucket.ts";

setDefaultTimeout(60_000);

describe.skipIf(!isThereObjectStore)("with objects of a bucket", () => {
    const database = useEmptyDatabase(import.meta.path);
    const { sql } = database;
    const bucket = useBucket();
    const folder = useFolder("streams");
    const orders = (...ids: number[]) => `order_id,total\n${ids.map((id) => `${id},${id}.50\n`).join("")}`;

    beforeEach(async () => {
        await sql.unsafe("drop table if exists public.orders; drop schema if exists ingest_orders cascade");
        await sql.unsafe(
            "delete from ingest.streams where stream_id > 0; drop table if exists ingest.stream_migrations",
        );
        mkdirSync(join(folder, "data"), { recursive: true });
    });

    const run = (name: string, ...args: string[]) =>
        runScript(name, args, { cwd: folder, environment: { DATABASE_URL: database.url, ...bucket.environment } });
    const declared = () => readFileSync(join(folder, "streams/orders.ts"), "utf8");

    test("add looks at the newest object of a glob, and the ingest reads them all", async () => {
        await bucket.put("in/orders-1.csv", orders(1, 2));
        await bucket.put("in/_orders-0.csv", "not,looked\n1,2\n");
        // Times are in whole seconds: of two at once the later key counts.
        await bucket.put("in/orders-2.csv", orders(3));
        const added = await run("add", `${bucket.url}/in/orders-*.csv`, "--key", "order_id");
        expect([added.exitCode, added.stderr]).toEqual([0, expect.any(String)]);
        expect(added.stdout).toContain(`trial load of ${bucket.url}/in/orders-2.csv: 1 read = 1 inserted`);
        expect(declared()).toContain(`files: "${bucket.url}/in/orders-*.csv"`);
        const ingested = await run("ingest", "--trigger", "available-now", "--json");
        expect(ingested).toMatchObject({ exitCode: 0 });
        expect((await sql`select order_id::integer as id from public.orders order by 1`).map(({ id }) => id)).toEqual([
            1, 2, 3,
        ]);

        const tried = await run("try", "--json", `${bucket.url}/in/orders-1.csv`);
        expect(JSON.parse(tried.stdout)).toMatchObject([
            { file: `${bucket.url}/in/orders-1.csv`, records: { read: 2, duplicate: 2 }, notes: [] },
        ]);
    });

    test("add takes one object for a glob of those that are named like it; with --input the glob is relative", async () => {
        await bucket.put("in/orders-1.csv", orders(1));
        const whole = await run("add", `${bucket.url}/in/orders-1.csv`, "--key", "order_id", "--print");
        expect(whole.stdout).toContain(`files: "${bucket.url}/in/orders*.csv"`);
        const within = ["--input", bucket.url, "--key", "order_id", "--print", "--files", "in/*.csv"];
        expect((await run("add", "in/orders-1.csv", ...within)).stdout).toContain('files: "in/*.csv"');
        expect((await run("add", "in/*.csv", ...within.slice(0, 5))).stdout).toContain('files: "in/*.csv"');
    });

    test("should fail: an object that is not there, a bucket that is not there, an address of a folder", async () => {
        const codes = async (...args: string[]) => {
            const { exitCode, stderr } = await run(args[0]!, ...args.slice(1));
            return [exitCode, /code: {2}(\w+)/.exec(stderr)?.[1]];
        };
        expect(await codes("try", `${bucket.url}/none.csv`)).toEqual([2, "no_such_file"]);
        expect(await codes("try", "s3://nowhere-at-all/none.csv")).toEqual([3, "bucket_not_found"]);
        expect(await codes("try", `${bucket.url}/`)).toEqual([3, "bucket_settings"]);
        expect(await codes("add", `${bucket.url}/none-*.csv`)).toEqual([2, "no_such_file"]);
        // What writes into a folder, or deletes from it.
        expect(await codes("reset", "--yes", "--delete-files", "--input", bucket.url)).toEqual([2, "input_in_bucket"]);
        expect(await codes("start", "--generate", "--input", bucket.url)).toEqual([2, "input_in_bucket"]);
        expect(await codes("generate", "--output-dir", bucket.url)).toEqual([2, "bad_flag_value"]);
        expect(await codes("status", "--data-dir", bucket.url)).toEqual([2, "bad_flag_value"]);
        expect(await codes("init", "--input", bucket.url)).toEqual([0, undefined]);
        expect(existsSync(join(folder, "s3:"))).toBe(false);
    });

    test("files --forget asks the bucket whether a failed object is gone", async () => {
        await sql.unsafe("create table public.orders (order_id bigint primary key, total numeric)");
        writeFileSync(
            join(folder, "streams/orders.ts"),
            `export default { files: "${bucket.url}/*.csv", table: "public.orders" };`,
        );
        await bucket.put("bad.csv", "\u0000\n");
        expect(await run("ingest", "--trigger", "available-now")).toMatchObject({ exitCode: 1 });
        const address = `${bucket.url}/bad.csv`;
        expect((await run("files", "--forget", address)).stderr).toContain("file_still_there");
        await bucket.remove("bad.csv");
        expect(await run("files", "--forget", address)).toMatchObject({
            exitCode: 0,
            stdout: expect.stringContaining(`${address}  is forgotten`),
        });
    });

    test("doctor says whether the bucket can be listed and read, or which right is missing", async () => {
        await bucket.put("orders-1.csv", orders(1));
        await bucket.put("notes.txt", "x");
        const files = `${bucket.url}/*.csv`;
        writeFileSync(
            join(folder, "streams/orders.ts"),
            `export default { files: "${files}", table: "public.orders" };`,
        );
        const { stdout } = await run("doctor", "--json", "--input", bucket.url, "--port", "0");
        const found = (name: string) =>
            JSON.parse(stdout).findings.find((finding: { name: string }) => finding.name === name);
        expect(found("bucket orders")).toMatchObject({
            state: "ok",
            found: expect.stringMatching(/^s3:\/\/drops\/\d+\/\*\.csv at .* can be listed \(2 keys\) and read\.$/),
        });
        expect(found("folder").state).toBe("ok");

        expect(await checkBucket(`${bucket.url}/none/*.csv`)).toMatchObject({
            state: "ok",
            found: expect.stringContaining("has no file to read yet"),
        });
        expect(await checkBucket("s3://nowhere-at-all/*.csv")).toMatchObject({ state: "fail" });
        const hour = 3_600_000;
        const skewed = await checkBucket(files, { ...impatient, now: () => Date.now() - hour });
        expect(skewed).toMatchObject({ state: "note", found: expect.stringContaining("ahead of this machine's") });
    });
});
