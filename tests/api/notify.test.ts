/** `POST /v1/notify`: the notifications that servers send, what becomes of each event, who may send them, and how many. */
import { beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { useApi } from "./api-fixture.ts";

const notes: string[] = [];
const api = useApi(import.meta.path, { onNote: (note) => notes.push(note) });
const json = { "content-type": "application/json" };
const send = (body: unknown, headers: Record<string, string> = json) =>
    api.post("/v1/notify", typeof body === "string" ? body : JSON.stringify(body), headers);
const waiting = async () =>
    (await api.sql`select path from ingest.hints order by path collate "C"`).map(({ path }) => path as string);
const ignored = (reason: string, count = 1) => [{ reason, count }];

beforeAll(async () => {
    await api.sql`
        insert into ingest.streams (stream_id, name, table_name, mode, home, files)
        values
            (1, 'orders', 'public.orders', 'insert', 'ingest_orders', 's3://drops/in/**/*.csv'),
            (2, 'returns', 'public.returns', 'insert', 'ingest_returns', 's3://drops/in/**/*.tsv')`;
    await api.sql`
        insert into ingest.workers (worker_id, stream_id, host, pid, input_dir, lease_until, report)
        values (gen_random_uuid(), 0, 'h', 1, 's3://inbox/shop', 'infinity', '{}')`;
});
beforeEach(async () => {
    notes.length = 0;
    await api.sql`truncate ingest.hints`;
});

/** As the bucket's servers document it, without the fields that say who and when. */
const ofS3 = (key: string, { bucket = "drops", eventName = "ObjectCreated:Put" } = {}) => ({
    eventVersion: "2.1",
    eventSource: "aws:s3",
    awsRegion: "eu-central-1",
    eventTime: "2026-05-01T10:00:00.000Z",
    eventName,
    s3: {
        s3SchemaVersion: "1.0",
        configurationId: "new-files",
        bucket: { name: bucket, arn: `arn:aws:s3:::${bucket}` },
        object: { key, size: 1024, eTag: "d41d8cd98f00b204e9800998ecf8427e", sequencer: "0055AED6DCD90281E5" },
    },
});
const ofEventBridge = (key: string, type = "Object Created") => ({
    version: "0",
    id: "17793124-05d4-b198-2fde-7ededc63b103",
    "detail-type": type,
    source: "aws.s3",
    account: "111122223333",
    resources: ["arn:aws:s3:::drops"],
    detail: { version: "0", bucket: { name: "drops" }, object: { key, size: 5 }, reason: "PutObject" },
});
const ofSns = (message: unknown) => ({
    Type: "Notification",
    MessageId: "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
    TopicArn: "arn:aws:sns:eu-central-1:111122223333:new-files",
    Subject: "Amazon S3 Notification",
    Message: JSON.stringify(message),
    SigningCertURL: "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService.pem",
});
const ofGoogle = (objectId: string, eventType = "OBJECT_FINALIZE") => ({
    message: {
        attributes: { bucketId: "drops", objectId, eventType, payloadFormat: "JSON_API_V1" },
        data: "e30=",
        messageId: "1",
    },
    subscription: "projects/p/subscriptions/s",
});

describe("takes the events of", () => {
    const space = "s3://drops/in/a b+ü.csv";
    test.each<[string, unknown, string]>([
        ["S3, whose keys are encoded", { Records: [ofS3("in/a+b%2B%C3%BC.csv")] }, space],
        [
            "MinIO",
            {
                EventName: "s3:ObjectCreated:Put",
                Key: "drops/in/a b+ü.csv",
                Records: [ofS3("in%2Fa+b%2B%C3%BC.csv", { eventName: "s3:ObjectCreated:CompleteMultipartUpload" })],
            },
            space,
        ],
        ["S3 by SNS", ofSns({ Records: [ofS3("in/a+b%2B%C3%BC.csv")] }), space],
        ["EventBridge, whose keys are not", ofEventBridge("in/a b+ü.csv"), space],
        ["EventBridge by SNS", ofSns(ofEventBridge("in/100%25.csv")), "s3://drops/in/100%25.csv"],
        ["R2", { account: "a", action: "PutObject", bucket: "drops", object: { key: "in/a b+ü.csv" } }, space],
        ["Google Cloud Storage by Pub/Sub", ofGoogle("in/a b+ü.csv"), space],
        ["a bucket that is the --input", { Records: [ofS3("shop/e.csv", { bucket: "inbox" })] }, "e.csv"],
    ])("%s", async (_, body, path) => {
        expect(await send(body)).toMatchObject({ status: 200, body: { accepted: 1, ignored: [], note: null } });
        expect(await waiting()).toEqual([path]);
    });

    test("several in one array, sent as text/plain as SNS does; a repeated one waits once", async () => {
        const body = JSON.stringify([ofEventBridge("in/a.csv"), { Records: [ofS3("in/a.csv"), ofS3("in/b.csv")] }]);
        for (let time = 0; time < 3; time++) {
            const { body: answer } = await send(body, { "content-type": "text/plain; charset=UTF-8" });
            expect(answer).toEqual({ accepted: 3, ignored: [], note: null });
        }
        expect(await waiting()).toEqual(["s3://drops/in/a.csv", "s3://drops/in/b.csv"]);
    });
});

test("an archive is for each stream that may have files in it", async () => {
    expect((await send({ Records: [ofS3("in/a.zip"), ofS3("out/a.zip")] })).body).toMatchObject({
        accepted: 1,
        ignored: ignored("outside_pattern"),
    });
    const hints = await api.sql`select stream_id as id, path from ingest.hints order by 1`;
    expect([...hints]).toEqual([1, 2].map((id) => ({ id, path: "s3://drops/in/a.zip" })));
});

test("ignores what is no new object of a stream, and says why", async () => {
    const { body } = await send([
        { Records: [ofS3("in/a.csv", { eventName: "ObjectRemoved:Delete" }), ofS3("in/a.csv", { bucket: "Drops" })] },
        { Records: [ofS3("out/a.csv"), ofS3("in/a.txt"), ofS3("in/_archive/a.csv"), ofS3("in/"), ofS3("in/%zz.csv")] },
        {
            Records: [
                { eventName: "ObjectCreated:Put" },
                null,
                ofS3(`in/${"x".repeat(1_100)}.csv`),
                ofS3("in/%00.csv"),
            ],
        },
        { Service: "Amazon S3", Event: "s3:TestEvent", Bucket: "drops" },
        ofEventBridge("in/a.csv", "Object Deleted"),
        ofGoogle("in/a.csv", "OBJECT_DELETE"),
        { Records: [ofS3("shop/sub/e.csv", { bucket: "inbox" }), ofS3("e.csv", { bucket: "inbox" })] },
        { Records: [ofS3("in/kept.csv")] },
    ]);
    expect(body).toEqual({
        accepted: 1,
        ignored: [
            { reason: "not_written", count: 3 },
            { reason: "test_event", count: 1 },
            { reason: "malformed", count: 5 },
            { reason: "other_bucket", count: 1 },
            { reason: "outside_pattern", count: 6 },
        ],
        note: null,
    });
    expect(await waiting()).toEqual(["s3://drops/in/kept.csv"]);
});

test("a subscription is for a person to confirm: the address is told, and not asked", async () => {
    const address = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=abc";
    const { body } = await send({ Type: "SubscriptionConfirmation", Token: "abc", SubscribeURL: address });
    expect(body).toMatchObject({ accepted: 0, ignored: [], note: expect.stringContaining(address) });
    let asked = 0;
    const fetch = () => {
        asked += 1;
        return new Response();
    };
    const server = Bun.serve({ port: 0, fetch });
    for (const forged of [
        `http://127.0.0.1:${server.port}/`,
        "https://sns.evil.example/?\nx",
        "https://sns.a.amazonaws.com.evil.example/",
        5,
    ]) {
        const answer = await send({ Type: "SubscriptionConfirmation", SubscribeURL: forged });
        expect(answer.body.note).toContain("not Amazon's. Ignore it.");
    }
    await server.stop(true);
    expect([notes.length, asked]).toEqual([5, 0]);
});

test("past a thousand events, or five thousand that wait, a listing is asked for in their place", async () => {
    // Short, or a request of 64 KiB would not hold so many.
    const tiny = (no: number) => ({ action: "", object: no });
    expect((await send(Array.from({ length: 1_003 }, (_, no) => tiny(no)))).body).toEqual({
        accepted: 0,
        ignored: [
            { reason: "not_written", count: 1_000 },
            { reason: "too_many", count: 3 },
        ],
        note: null,
    });
    await api.sql`insert into ingest.hints select 1, 's3://drops/in/' || no || '.csv' from generate_series(1, 4999) as no`;
    const { body } = await send({ Records: ["in/1.csv", "in/y.csv", "in/z.csv"].map((key) => ofS3(key)) });
    expect(body).toMatchObject({ accepted: 2, ignored: ignored("too_many") });
    const paths = await waiting();
    expect([paths.length, paths[0], paths.at(-1)]).toEqual([5_001, "", "s3://drops/in/y.csv"]);
});

describe("should fail", () => {
    test("for what is no notification", async () => {
        for (const body of [
            "{}",
            "null",
            "5",
            "[{}]",
            '{"Type":"Notification","Message":"{"}',
            '{"Records":{}}',
            "{",
            "",
        ]) {
            expect(await send(body)).toMatchObject({ status: 400, body: { code: "invalid_body" } });
        }
        // Wrapped twice.
        expect((await send(ofSns(ofSns({ Records: [ofS3("in/a.csv")] })))).status).toBe(400);
        expect((await send("{}", { "content-type": "application/x-www-form-urlencoded" })).status).toBe(415);
        expect((await send(`"${"x".repeat(65_536)}"`)).status).toBe(413);
        expect(await waiting()).toEqual([]);
    });

    test("from another site, and without the token, which is also taken as a password", async () => {
        const body = JSON.stringify({ Records: [ofS3("in/a.csv")] });
        expect((await send(body, { ...json, origin: "https://elsewhere.example" })).status).toBe(403);
        const token = "0123456789abcdef:0123456789abcdef";
        const app = api.open({ token, workSql: api.sql });
        const ask = (authorization?: string, path = "/v1/notify") =>
            app.request(path, { method: "POST", body, headers: { ...json, ...(authorization && { authorization }) } });
        const basic = (password: string) => `Basic ${Buffer.from(`sns:${password}`).toString("base64")}`;
        const refused = await ask();
        expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([401, 'Basic realm="sluice"']);
        expect((await ask(basic("wrong"))).status).toBe(401);
        expect((await ask("Basic %")).status).toBe(401);
        expect((await ask(basic(token), "/v1/ingest/pause")).status).toBe(401);
        expect(await waiting()).toEqual([]);
        expect((await ask(`Bearer ${token}`)).status).toBe(200);
        expect((await ask(basic(token))).status).toBe(200);
    });
});
