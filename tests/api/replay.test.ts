import { beforeAll, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { noRecords } from "../../src/terminal/record-counts.ts";
import { header, idOf, makeFolder } from "../support/fixture.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { useApi } from "./api-fixture.ts";

const api = useApi(import.meta.path);
const folder = makeFolder();

beforeAll(async () => {
    const rows = [1, 2].map((number) => `${idOf(number)},wish,p,u,2024-01-01 00:00:00,1,1`);
    await writeFile(
        join(folder, "a.csv"),
        [header, ...rows, `${idOf(3)},view,p,u,2024-01-01 00:00:00,1,-1`, ""].join("\n"),
    );
    await ingestFolder(api.database.target, folder);
});

const replay = (request: unknown) =>
    api.post("/v1/replay", JSON.stringify(request), { "content-type": "application/json" });

test("nothing has changed its verdict: nothing is done", async () => {
    const { status, body } = await replay({});
    expect([status, body]).toEqual([
        200,
        {
            ...noRecords(),
            dryRun: false,
            batches: 0,
            displaced: 0,
            refused: 0,
            unchanged: 3,
            unsplittable: 0,
            busy: 0,
            remaining: [
                { reason: "event_type_unknown", records: 2 },
                { reason: "price_negative", records: 1 },
            ],
            samples: [],
        },
    ]);
});

test("what passes today becomes events, and the counts of rejects say so at once", async () => {
    await api.sql`insert into ingest.event_types values ('wish')`;
    expect((await replay({ reason: "event_type_unknown", dryRun: true })).body).toMatchObject({
        dryRun: true,
        inserted: 2,
    });
    expect((await replay({ reason: "event_type_unknown" })).body).toMatchObject({ batches: 1, read: 2, inserted: 2 });
    const { body } = await api.get("/v1/rejects/summary");
    expect(body.kinds).toEqual([{ kind: "rejected", records: 3, open: 1 }]);
    expect((await api.get("/v1/rejects?open=true")).body.data).toHaveLength(1);
    expect((await api.get("/v1/rejects?open=false")).body.data).toHaveLength(2);
    expect((await api.get("/v1/status")).body).toMatchObject({ events: 2, standingRejects: 1 });
    const top = await api.get("/v1/stats/top-products");
    expect(top.body.data).toMatchObject([{ productId: "p", events: 2 }]);
});

test("one stream is replayed by its name, and an unknown one is refused", async () => {
    expect((await replay({ stream: "events" })).body).toMatchObject({ batches: 0, unchanged: 1 });
    const { status, body } = await replay({ stream: "event" });
    expect([status, body.code, body.detail]).toEqual([
        400,
        "invalid_body",
        "`stream`: Unknown stream. Did you mean events?",
    ]);
});

test("should fail for a request that is not one", async () => {
    expect((await replay({ reasons: "x" })).body.code).toBe("unknown_parameter");
    expect((await replay({ since: "yesterday" })).body).toMatchObject({ code: "invalid_body", parameter: "since" });
});

test("should fail for a reason that does not exist, with the near one named", async () => {
    const { status, body } = await replay({ reason: "event_type_unkown" });

    expect([status, body.code, body.parameter]).toEqual([400, "invalid_body", "reason"]);
    expect(body.detail).toContain("Did you mean event_type_unknown?");
});

test("should fail while another one runs", async () => {
    await api.sql`update ingest.rejects set record = record || '{"price": "1"}' where resolved_by_batch is null`;
    let first: ReturnType<typeof replay> | undefined;
    await api.sql.begin(async (transaction) => {
        await transaction`select from ingest.slices for update`;
        first = replay({});
        await Bun.sleep(200);
        const { status, body } = await replay({});
        expect([status, body.code]).toEqual([409, "replay_running"]);
    });
    expect((await first!).body).toMatchObject({ inserted: 1 });
});
