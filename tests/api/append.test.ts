/** What the API says of a stream without a key. */
import { beforeAll, expect, test } from "bun:test";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { appendTo, makeReadings } from "../support/append.ts";
import { useApi } from "./api-fixture.ts";

const api = useApi(import.meta.path);

beforeAll(async () => {
    await makeReadings(api.sql);
    await applyStream(api.database.target, appendTo("public.readings"));
});

test("its contract has no key, and no code of a conflict", async () => {
    const { body } = await api.get("/v1/streams/readings");
    expect(body).toMatchObject({ mode: "append", key: [] });
    const codes = (body as { codes: { code: string }[] }).codes.map(({ code }) => code);
    expect(codes).toContain("tail_continued");
    expect(codes.filter((code) => code.endsWith("_conflict"))).toEqual([]);
});

test("its rows have no pages, and its records are traced by file and number", async () => {
    const rows = await api.get("/v1/streams/readings/rows");
    expect(rows).toMatchObject({ status: 409, body: { code: "stream_without_key" } });
    const byKey = await api.get("/v1/trace?stream=readings&key=1");
    expect(byKey).toMatchObject({ status: 400, body: { detail: expect.stringContaining("has no key") } });
    const byPlace = await api.get("/v1/trace?stream=readings&file=1.csv&record=1");
    expect(byPlace).toMatchObject({ status: 404, body: { code: "record_not_found" } });
});
