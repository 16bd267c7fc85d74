import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Api } from "../../src/server/api/route-types.ts";
import { readFilePart } from "../../src/server/api/upload/read-multipart.ts";
import { chooseUploadName } from "../../src/server/api/upload/upload-name.ts";
import { headerLine, makeFolder } from "../support/fixture.ts";
import { isLongRun, testTimeoutMs } from "../support/generate-folder.ts";
import { ingestFolder } from "../support/ingest-folder.ts";
import { useApi } from "./api-fixture.ts";

const inputDir = makeFolder();
const csv = headerLine;
const record = "00000000-0000-4000-8000-000000000001,view,p,u,2024-01-01 00:00:00,1,1\n";
const maxUploadBytes = 100_000;
const api = useApi(import.meta.path, { upload: { inputDir, maxUploadBytes, maxUploads: 2 } });

afterEach(() => {
    for (const name of readdirSync(inputDir)) rmSync(join(inputDir, name));
});

const send = (body: BodyInit, headers: Record<string, string> = {}) =>
    api.post("/v1/ingest", body, { "content-type": "text/csv", ...headers });

const sendTo = (app: Api) =>
    app.request("/v1/ingest", { method: "POST", body: csv, headers: { "content-type": "text/csv" } });

function sendForm(name: string, content: string | Uint8Array<ArrayBuffer>, fields: Record<string, string> = {}) {
    const form = new FormData();
    for (const [field, value] of Object.entries(fields)) form.set(field, value);
    form.set("file", new File([content], name));
    return api.post("/v1/ingest", form);
}

test("a CSV body is a file of the folder, and says where to follow it", async () => {
    const { status, body, headers } = await send(csv + record);
    expect(status).toBe(202);
    expect(body).toMatchObject({ bytes: csv.length + record.length, isNew: true });
    expect(readdirSync(inputDir)).toEqual([body.path]);
    expect(readFileSync(join(inputDir, body.path), "utf8")).toBe(csv + record);
    expect(headers.get("location")).toBe(body.follow);

    await ingestFolder(api.database.target, inputDir);
    const followed = await api.get(body.follow);
    expect(followed.body.data).toMatchObject([{ path: body.path, state: "merged", loadedRecords: 1 }]);
});

test("should fail: into a stream whose files are in a bucket, or with a bucket for the input folder", async () => {
    await api.sql`
        insert into ingest.streams (stream_id, name, table_name, mode, files)
        values (77, 'in_bucket', 'public.in_bucket', 'insert', 's3://drops/*.csv')`;
    const refused = await api.post("/v1/ingest?stream=in_bucket", csv, { "content-type": "text/csv" });
    expect(refused).toMatchObject({ status: 409, body: { code: "stream_in_bucket" } });
    await api.sql`delete from ingest.streams where stream_id = 77`;
    expect(readdirSync(inputDir)).toEqual([]);
});

test("the same Idempotency-Key is the same file, also when it has left the folder", async () => {
    const first = await send(csv, { "idempotency-key": "order 7" });
    const second = await send(csv + record, { "idempotency-key": "order 7" });
    const other = await send(csv, { "idempotency-key": "order 8" });
    expect([first.body.isNew, second.body.isNew, other.body.isNew]).toEqual([true, false, true]);
    expect(second.body).toMatchObject({ path: first.body.path, bytes: null });
    expect(readFileSync(join(inputDir, first.body.path), "utf8")).toBe(csv);

    await ingestFolder(api.database.target, inputDir);
    rmSync(join(inputDir, first.body.path));
    expect((await send(csv, { "idempotency-key": "order 7" })).body.isNew).toBe(false);
    expect(readdirSync(inputDir)).toEqual([other.body.path]);
});

test("two requests of one key at the same time make one file", async () => {
    const answers = await Promise.all([1, 2].map(() => send(csv, { "idempotency-key": "at once" })));
    expect(answers.map(({ body }) => body.isNew).sort()).toEqual([false, true]);
    expect(readdirSync(inputDir)).toHaveLength(1);
});

describe("forms", () => {
    test("the file of a form, whatever bytes it holds, behind other fields", async () => {
        const bytes = new Uint8Array(70_000).map((_, index) => (index * 31) % 251);
        const { status, body } = await sendForm("my orders.csv", bytes, { note: "--x\r\n" });
        expect([status, body.bytes]).toEqual([202, 70_000]);
        expect(body.path).toMatch(/^my orders_[0-9a-f-]{36}\.csv$/);
        expect(Bun.hash(readFileSync(join(inputDir, body.path)))).toBe(Bun.hash(bytes));
    });

    test("should fail for a name that leads elsewhere or is none to write to, and writes nothing", async () => {
        for (const name of [
            "../evil.csv",
            "..\\evil.csv",
            "/etc/cron.d/evil.csv",
            "a/../../evil.csv",
            ".hidden.csv",
            "_aside.csv",
            "evil.sh",
            "evil\u0000.csv",
            "évil.csv",
            `${"x".repeat(200)}.csv`,
        ]) {
            const { status, body } = await sendForm(name, csv);
            expect([name, status, body.code]).toEqual([name, 400, "invalid_file_name"]);
        }
        expect(readdirSync(inputDir)).toEqual([]);
        expect(existsSync(join(inputDir, "../evil.csv"))).toBe(false);
    });

    test("should fail for a form without a file, without a boundary, or cut off", async () => {
        const type = "multipart/form-data; boundary=x";
        for (const [body, contentType] of [
            ["--x--\r\n", type],
            ['--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n', type],
            ['--x\r\ncontent-disposition: form-data; name="a"; filename="a.csv"\r\n\r\nabc', type],
            [`--x\r\n${"a".repeat(20_000)}`, type],
            ["anything", "multipart/form-data"],
        ] as const) {
            const answer = await send(body, { "content-type": contentType });
            expect([answer.status, answer.body.code]).toEqual([400, "invalid_body"]);
        }
        expect(readdirSync(inputDir)).toEqual([]);
    });

    test("reads the same however the bytes are cut", async () => {
        const text =
            '--B\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--B\r\nContent-Disposition: form-data; name="f"; filename="f.csv"\r\n\r\na\r\n--b\r\n-\r\n--B--\r\n';
        for (let size = 1; size <= text.length; size++) {
            async function* pieces() {
                for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size));
            }
            const { fileName, content } = await readFilePart(pieces(), "multipart/form-data; boundary=B");
            const read: Uint8Array[] = [];
            for await (const piece of content) read.push(Buffer.from(piece));
            expect([size, fileName, Buffer.concat(read).toString()]).toEqual([size, "f.csv", "a\r\n--b\r\n-"]);
        }
    });
});

test("should fail for other types, nothing at all, and a key that is too long", async () => {
    expect((await send("{}", { "content-type": "application/json" })).body.code).toBe("unsupported_media_type");
    expect((await send("", {})).body.code).toBe("invalid_body");
    expect((await send(csv, { "idempotency-key": "x".repeat(256) })).body.code).toBe("invalid_parameter");
    expect(readdirSync(inputDir)).toEqual([]);
});

test("should fail past the cap, told or not, and leaves nothing behind", async () => {
    const tooLong = "x".repeat(maxUploadBytes + 1);
    expect((await send(tooLong)).body.code).toBe("body_too_large");
    const untold = new ReadableStream({
        start(controller) {
            for (let sent = 0; sent <= maxUploadBytes; sent += 10_000) controller.enqueue(new Uint8Array(10_000));
            controller.close();
        },
    });
    expect((await send(untold)).body.code).toBe("body_too_large");
    expect((await send("x".repeat(maxUploadBytes))).status).toBe(202);
    expect(readdirSync(inputDir)).toHaveLength(1);
});

test("should fail when the sender breaks off, and leaves nothing behind", async () => {
    const broken = new ReadableStream({
        pull(controller) {
            controller.error(new Error("gone"));
        },
    });
    expect((await send(broken)).status).toBe(400);
    expect(readdirSync(inputDir)).toEqual([]);
});

test("should fail when there are too many at once", async () => {
    const controllers: ReadableStreamDefaultController<Uint8Array>[] = [];
    const open = () => new ReadableStream<Uint8Array>({ start: (controller) => void controllers.push(controller) });
    const held = [send(open()), send(open())];
    await Bun.sleep(20);
    const { status, body } = await send(csv);
    expect([status, body.code]).toEqual([503, "too_many_uploads"]);
    for (const controller of controllers) {
        controller.enqueue(Buffer.from(csv));
        controller.close();
    }
    expect((await Promise.all(held)).map((answer) => answer.status)).toEqual([202, 202]);
    expect((await send(csv)).status).toBe(202);
});

test("should fail when the folder is gone, without saying where it was", async () => {
    const response = await sendTo(api.open({ upload: { inputDir: "/nowhere/at/all" } }));
    const text = await response.text();
    expect([response.status, JSON.parse(text).code]).toEqual([507, "folder_unavailable"]);
    expect(text).not.toContain("nowhere");
});

test("without a folder there is no such address", async () => {
    expect((await sendTo(api.open())).status).toBe(404);
});

test("names are of the key alone, and harmless", () => {
    expect(chooseUploadName("../../x", undefined)).toMatch(/^upload_[0-9a-f]{32}\.csv$/);
    expect(chooseUploadName("k", "a.csv")).toBe(chooseUploadName("k", undefined));
    expect(chooseUploadName(undefined, undefined)).not.toBe(chooseUploadName(undefined, undefined));
});

const largeMb = isLongRun ? 2048 : 200;

test(
    `${largeMb} MB over the wire are streamed: the process holds a fraction of them`,
    async () => {
        const size = largeMb * 1024 * 1024;
        const server = api.serve(api.open({ upload: { inputDir, maxUploadBytes: size } }));
        const piece = Buffer.alloc(1024 * 1024, "x");
        let highest = 0;
        Bun.gc(true);
        const before = process.memoryUsage.rss();
        const timer = setInterval(() => {
            highest = Math.max(highest, process.memoryUsage.rss());
        }, 10);
        try {
            let sent = 0;
            const body = new ReadableStream({
                async pull(controller) {
                    if (sent === size) return controller.close();
                    sent += piece.length;
                    controller.enqueue(piece);
                    await Bun.sleep(0);
                },
            });
            const response = await fetch(`${server.url}/v1/ingest`, {
                method: "POST",
                body,
                headers: { "content-type": "text/csv" },
            });
            expect(response.status).toBe(202);
            expect(await response.json()).toMatchObject({ bytes: size });
            expect((highest - before) / 1024 / 1024).toBeLessThan(120);
            const tooLarge = await fetch(`${server.url}/v1/ingest`, {
                method: "POST",
                body: new Uint8Array(0),
                headers: { "content-type": "text/csv", "content-length": String(3 * size) },
            }).catch(() => null);
            expect(tooLarge === null || tooLarge.status >= 400).toBe(true);
        } finally {
            clearInterval(timer);
        }
    },
    testTimeoutMs,
);

describe("?stream=", () => {
    beforeAll(async () => {
        for (const [id, name, files] of [
            [1, "orders", "orders-*.csv"],
            [2, "sensors", "plant/sensors/*.csv"],
            [3, "rates", "rates.csv"],
            [4, "lines", "lines/**"],
        ] as const) {
            await api.sql`select ingest.add_stream(${id}::smallint, ${name}, ${name}, 'insert')`;
            await api.sql`update ingest.streams set files = ${files} where stream_id = ${id}`;
        }
    });
    afterAll(async () => {
        await api.sql`delete from ingest.streams where stream_id > 0`;
    });

    const sendAs = (query: string, name: string | undefined, headers: Record<string, string> = {}) => {
        if (name === undefined) return api.post(`/v1/ingest${query}`, csv, { "content-type": "text/csv", ...headers });
        const form = new FormData();
        form.set("file", new File([csv], name));
        return api.post(`/v1/ingest${query}`, form, headers);
    };

    test.each([
        ["?stream=orders", "orders-2026.csv", /^orders-2026_[0-9a-f-]{36}\.csv$/, "orders"],
        ["?stream=orders", undefined, /^orders-upload_[0-9a-f-]{36}\.csv$/, "orders"],
        ["?stream=sensors", "a.csv", /^plant\/sensors\/a_[0-9a-f-]{36}\.csv$/, "sensors"],
        ["?stream=lines", undefined, /^lines\/upload_[0-9a-f-]{36}\.csv$/, "lines"],
        ["?stream=events", "a.csv", /^a_[0-9a-f-]{36}\.csv$/, "events"],
        ["", "orders-2026.csv", /^orders-2026_[0-9a-f-]{36}\.csv$/, "orders"],
        ["", "a.csv", /^a_[0-9a-f-]{36}\.csv$/, "events"],
    ])("%s, sent as %p, is put where that stream takes it", async (query, name, path, stream) => {
        const { status, body } = await sendAs(query, name);
        expect([status, body.stream]).toEqual([202, stream]);
        expect(body.path).toMatch(path);
        expect(readFileSync(join(inputDir, body.path), "utf8")).toBe(csv);
        rmSync(join(inputDir, body.path.split("/")[0]), { recursive: true });
    });

    test("the same Idempotency-Key is the same file of that stream", async () => {
        const headers = { "idempotency-key": "order 9" };
        const answers = [
            await sendAs("?stream=orders", undefined, headers),
            await sendAs("?stream=orders", undefined, headers),
        ];
        expect(answers.map(({ body }) => body.isNew)).toEqual([true, false]);
        expect(answers[1]!.body.path).toBe(answers[0]!.body.path);
        expect(answers[0]!.body.path).toMatch(/^orders-upload_[0-9a-f]{32}\.csv$/);
    });

    test.each([
        ["?stream=orders", "invoices.csv", "orders takes orders-*.csv, and not this name. events would take this one."],
        [
            "?stream=events",
            "orders-1.csv",
            "events takes what no other stream claims, and not this name. orders would take this one.",
        ],
        ["?stream=sensors", "../a.csv", "Send a plain name that ends in .csv"],
        ["?stream=rates", undefined, "rates takes rates.csv alone, and each upload gets a name of its own"],
    ])("should fail: %s, sent as %p", async (query, name, detail) => {
        const { status, body } = await sendAs(query, name);
        expect([status, body.code]).toEqual([400, "invalid_file_name"]);
        expect(body.detail).toContain(detail);
        expect(readdirSync(inputDir)).toEqual([]);
    });

    test("should fail: a stream that is not there", async () => {
        const { status, body } = await sendAs("?stream=oders", "a.csv");
        expect([status, body.parameter, body.detail]).toEqual([
            400,
            "stream",
            "`stream`: Unknown stream. Did you mean orders?",
        ]);
    });
});
