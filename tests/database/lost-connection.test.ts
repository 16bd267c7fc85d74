/**
 * A query whose connection is lost, or that fails half-way, and the one after it. postgres.js 3.4.9 as released gets none of
 * this right; src/database/patches corrects it. Under Bun, whose sockets may end without an `error` before, reads of an API
 * never ended; a connection whose last bytes were still unwritten took four timeouts to come back; and a result that broke
 * off shifted the rows of the next one.
 */
import { describe, expect, test } from "bun:test";
import { connect as connectSocket, type Socket } from "node:net";
import postgres from "postgres";
import { useDatabase } from "../support/fixture.ts";

const database = useDatabase(import.meta.path);

/** A client of one connection, and the sockets that it has had so far. */
function openClient(): { sql: postgres.Sql; sockets: Socket[] } {
    const { target } = database;
    const sockets: Socket[] = [];
    const open = () =>
        new Promise<Socket>((resolve) => {
            const socket = connectSocket(target.port, target.host);
            sockets.push(socket);
            socket.once("connect", () => resolve(socket));
        });
    const sql = postgres({
        max: 1,
        username: target.user,
        password: target.password,
        database: target.database,
        connect_timeout: 10,
        fetch_types: false,
        // Not among the driver's types: whatever gives it a socket.
        ...({ socket: open } as object),
    });
    return { sql, sockets };
}

/** The socket ends as one does that was reset; `hadError` is what Node tells, and Bun at times without an `error` before. */
function lose(socket: Socket, hadError: boolean): void {
    socket.emit("close", hadError);
    socket.destroy();
}

/** The driver gives a query to its connection in a few microtasks; its bytes wait for the end of this turn of the event loop. */
async function untilGiven(): Promise<void> {
    for (let microtask = 0; microtask < 10; microtask++) await null;
}

describe.each([[true], [false]])("a connection that is lost (with an error: %p)", (hadError) => {
    test("before its bytes were written is followed by one that answers", async () => {
        const { sql, sockets } = openClient();
        expect((await sql`select 1 as answer`)[0]!.answer).toBe(1);
        const unwritten = sql`select 2 as answer`.execute();
        await untilGiven();
        lose(sockets[0]!, hadError);
        await expect(unwritten).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
        expect((await sql`select 3 as answer`)[0]!.answer).toBe(3);
        expect(sockets).toHaveLength(2);
        await sql.end({ timeout: 0 });
    }, 60_000);

    test("ends every query that was sent over it, none of them with another's answer or an empty one", async () => {
        const { sql, sockets } = openClient();
        await sql`select`;
        const sent = [sql`select pg_sleep(60)`.execute(), sql`select 2 as answer`.execute()];
        await Bun.sleep(50);
        lose(sockets[0]!, hadError);
        const outcomes = await Promise.allSettled(sent);
        expect(outcomes).toMatchObject(sent.map(() => ({ status: "rejected", reason: { code: "CONNECTION_CLOSED" } })));
        expect((await sql`select 3 as answer`)[0]!.answer).toBe(3);
        await sql.end({ timeout: 0 });
    }, 60_000);
});

test("a query that fails after its first rows leaves the next one's rows whole", async () => {
    const { sql } = openClient();
    const failing = sql`select 1 / (3 - number) as share from generate_series(1, 5) as numbers (number)`;
    await expect(failing).rejects.toMatchObject({ code: "22012" });
    expect([...(await sql`select 4 as answer`)]).toEqual([{ answer: 4 }]);
    await sql.end({ timeout: 0 });
});

test("a query that is cut off after its first rows leaves the next one's rows whole", async () => {
    const { sql, sockets } = openClient();
    await sql`select`;
    // More than the server keeps back before it sends.
    const slow = sql`
        select repeat('x', 10000) as text, pg_sleep(number / 100) from generate_series(1, 1000) as numbers (number)`;
    const outcome = slow.then(() => "answered").catch(({ code }) => code);
    await new Promise((resolve) => sockets[0]!.once("data", resolve));
    await Bun.sleep(50);
    lose(sockets[0]!, false);
    expect(await outcome).toBe("CONNECTION_CLOSED");
    expect([...(await sql`select 4 as answer`)]).toEqual([{ answer: 4 }]);
    await sql.end({ timeout: 0 });
});
