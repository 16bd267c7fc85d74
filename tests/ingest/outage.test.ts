/** How the ingest waits for a database that is unreachable, busy or silent: promise 8. */
import { describe, expect, test } from "bun:test";
import { isConnectionFault } from "../../src/database/sql-states.ts";
import { answerInTime, createOutage } from "../../src/engine/outage/outage.ts";
import { SluiceError } from "../../src/errors.ts";
import { useDatabase } from "../support/fixture.ts";

const database = useDatabase(import.meta.path);

function openOutage(revive: (() => Promise<void>) | null = null) {
    const lines: string[] = [];
    const say = (line: string) => void lines.push(line);
    const log = { info: say, warn: say, error: say };
    const outage = createOutage({ sql: database.sql, log, signal: new AbortController().signal, revive });
    return { outage, lines };
}

/** Fails `times` times with this code, then succeeds. */
function failing(times: number, code: string) {
    let calls = 0;
    return async () => {
        calls += 1;
        if (calls <= times) throw Object.assign(new Error("It did not work."), { code });
        return calls;
    };
}

test("a database that is silent counts as away, once the deadline has passed", async () => {
    const silence = await answerInTime(new Promise(() => {}), 10).catch((error: unknown) => error);
    expect(isConnectionFault(silence)).toBe(true);
    expect(await answerInTime(database.sql`select 1 as one`, 10_000)).toMatchObject([{ one: 1 }]);
});

describe("a step", () => {
    test("that the database cannot do now is tried again, and what it was is told and reported", async () => {
        const { outage, lines } = openOutage();
        expect(outage.retries()).toBeNull();
        expect(await outage.survive(failing(5, "53100"))).toBe(6);
        expect(outage.retries()).toMatchObject({ count: 5, lastReason: "53100" });
        expect(lines).toEqual([
            "The database cannot do this now (53100: its disk is full; free some space there). Retrying; nothing is lost.",
        ]);
    });

    test("that passes the second time is not worth a line", async () => {
        const { outage, lines } = openOutage();
        expect(await outage.survive(failing(1, "40P01"))).toBe(2);
        expect(outage.retries()).toMatchObject({ count: 1, lastReason: "40P01" });
        expect(lines).toEqual([]);
    });

    test("that lost its connection is tried again once the database answers", async () => {
        const { outage, lines } = openOutage();
        expect(await outage.survive(failing(1, "ECONNRESET"))).toBe(2);
        expect(lines).toEqual([
            "The database is unreachable (ECONNRESET). Waiting for it; nothing is lost.",
            "The database is back after 0 s.",
        ]);
    });

    test("that waits for an embedded server says once what keeps that from starting", async () => {
        let starts = 0;
        const { outage, lines } = openOutage(async () => {
            starts += 1;
            const fields = { code: "embedded_server_failed", remedy: "Make room." };
            if (starts <= 2) throw new SluiceError({ ...fields, what: `It did not start: attempt ${starts}.` });
            if (starts === 3) isServerUp = true;
        });
        let isServerUp = false;
        const step = async () => {
            if (!isServerUp) throw Object.assign(new Error("It did not work."), { code: "ECONNREFUSED" });
            return starts;
        };
        expect(await outage.survive(step)).toBe(3);
        expect(lines.filter((line) => line.includes("It did not start"))).toEqual([
            "It did not start: attempt 1. Make room.",
        ]);
    });

    test("that fails on a changed table is waited for, said at once and once, and reported as long as it lasts", async () => {
        const { outage, lines } = openOutage();
        const step = failing(2, "42P01");
        const ended = outage.survive(async () => {
            const calls = step();
            await calls.catch(() => {});
            if (lines.length > 0)
                expect(outage.trouble()).toMatchObject({ code: "42P01", what: "42P01: It did not work." });
            return await calls;
        });
        expect(await ended).toBe(3);
        expect(outage.trouble()).toBeNull();
        expect(lines.map((line) => line.slice(0, 32))).toEqual([
            "The tables have changed (42P01: ",
            "The tables are correct again. Th",
        ]);
    });

    test.each(["42P01", "25006", "58030"])(
        "should fail: for what somebody has to see to, if it is the first (%s)",
        async (code) => {
            const { outage } = openOutage();
            const failure = await outage.survive(failing(1, code), { isFirst: true }).catch((error: unknown) => error);
            expect(failure).toMatchObject({ code });
        },
    );

    test("should fail: for any other reason at once", async () => {
        const { outage } = openOutage();
        const failure = await outage.survive(failing(1, "42601")).catch((error: unknown) => error);
        expect(failure).toMatchObject({ code: "42601" });
        expect(outage.retries()).toBeNull();
    });
});
