/** A bucket and a folder: two streams of one process. */
import { beforeAll, describe, expect, test } from "bun:test";
import { declare, makeTable, useSeveralStreams } from "../streams/several-streams.ts";
import { useEmptyDatabase } from "../support/fixture.ts";
import { isThereObjectStore } from "../support/object-store.ts";
import { useBucket } from "../support/use-bucket.ts";
import { waitUntil } from "../support/wait-until.ts";

describe.skipIf(!isThereObjectStore)("a stream whose files are in a bucket", () => {
    const database = useEmptyDatabase(import.meta.path);
    const { sql } = database;
    const bucket = useBucket("orders-drops");
    const numbers = (...all: number[]) => `no,word\n${all.map((no) => `${no},w${no}\n`).join("")}`;
    const declared = () => [
        declare("orders", `${bucket.url}/**/*.csv`),
        declare("lost", "s3://not-there-yet/*.csv"),
        declare("readings", "readings-*.csv"),
    ];
    const several = useSeveralStreams(database, declared);
    const problem = async () =>
        (await sql`select problem from ingest.streams where name = 'lost'`)[0]!.problem as string | null;

    beforeAll(async () => {
        await sql.unsafe(["orders", "lost", "readings"].map(makeTable).join("; "));
    });

    test("goes on beside streams of the folder; a bucket that is away blocks its own stream alone, until it is there", async () => {
        await bucket.put("2026/05/a.csv", numbers(1, 2, 3));
        await bucket.put("b.csv", numbers(4));
        several.putNumbers("readings-1.csv", 1, 5);
        several.putEvents("events.csv", 1, 7);
        const running = several.start();
        await waitUntil(
            "all are in",
            async () =>
                (await several.count("orders")) === 4 &&
                (await several.count("readings")) === 5 &&
                (await several.count("events")) === 7,
        );
        await waitUntil("the problem is noted", async () => (await problem()) === "bucket_not_found");
        expect((await several.files()).filter(({ stream }) => stream === "orders").map(({ path }) => path)).toEqual([
            `${bucket.url}/2026/05/a.csv`,
            `${bucket.url}/b.csv`,
        ]);
        const client = await bucket.makeBucket("not-there-yet");
        await client.write("x.csv", numbers(9));
        await waitUntil("it comes back", async () => (await several.count("lost")) === 1);
        await waitUntil("the problem is over", async () => (await problem()) === null);
        await running.stop();
        expect(running.lines.filter((text) => text.includes("not-there-yet"))).toHaveLength(1);
    });
});
