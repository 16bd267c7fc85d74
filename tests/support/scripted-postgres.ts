/**
 * As much of a Postgres server as a client needs to log in and to be answered: for servers that cannot be had here, such as
 * an old one, or one whose disk is full. https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
import { createServer, type Socket } from "node:net";

export interface ScriptedPostgres {
    url: string;
    close(): Promise<void>;
}

export interface Script {
    /** What it says of itself: `14.13`. */
    version: string;
    /** What it answers to every statement that does not ask for that. */
    failure: { sqlState: string; message: string };
}

export async function startScriptedPostgres(script: Script): Promise<ScriptedPostgres> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
        sockets.add(socket);
        socket.on("close", () => sockets.delete(socket));
        socket.on("error", () => {});
        serve(socket, script);
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const { port } = server.address() as { port: number };
    return {
        url: `postgres://me:secret@127.0.0.1:${port}/shop`,
        close() {
            for (const socket of sockets) socket.destroy();
            return new Promise((closed) => server.close(() => closed()));
        },
    };
}

const sslRequest = 80_877_103;

function serve(socket: Socket, script: Script): void {
    let buffered = Buffer.alloc(0);
    let isLoggedIn = false;
    /** After an error everything up to the next Sync is passed over. */
    let isFailed = false;
    socket.on("data", (data) => {
        buffered = Buffer.concat([buffered, data as Buffer]);
        while (true) {
            const head = isLoggedIn ? 1 : 0;
            if (buffered.length < head + 4) return;
            const length = buffered.readInt32BE(head);
            if (buffered.length < head + length) return;
            const body = buffered.subarray(head + 4, head + length);
            const type = isLoggedIn ? String.fromCharCode(buffered[0]!) : "";
            buffered = buffered.subarray(head + length);
            if (isLoggedIn) answer(type, body);
            else logIn(body);
        }
    });

    function logIn(body: Buffer): void {
        if (body.readInt32BE(0) === sslRequest) {
            socket.write("N");
            return;
        }
        isLoggedIn = true;
        socket.write(message("R", int32(0)));
        socket.write(message("S", text("server_version"), text(script.version)));
        socket.write(message("K", int32(1), int32(2)));
        socket.write(message("Z", Buffer.from("I")));
    }

    function answer(type: string, body: Buffer): void {
        if (type === "S") {
            isFailed = false;
            socket.write(message("Z", Buffer.from("I")));
        } else if (type === "X") {
            socket.end();
        } else if (!isFailed) {
            socket.write(answerTo(type, body));
        }
    }

    function answerTo(type: string, body: Buffer): Buffer {
        switch (type) {
            case "P":
                if (body.includes("server_version")) return message("1");
                isFailed = true;
                return failure(script.failure);
            case "D": {
                const columns = facts(script).flatMap(({ name, type }) => [
                    ...[text(name), int32(0), int16(0), int32(type), int16(-1), int32(-1), int16(0)],
                ]);
                return Buffer.concat([message("t", int16(0)), message("T", int16(facts(script).length), ...columns)]);
            }
            case "B":
                return message("2");
            case "E": {
                const values = facts(script).flatMap(({ value }) => [int32(value.length), Buffer.from(value)]);
                return Buffer.concat([
                    message("D", int16(facts(script).length), ...values),
                    message("C", text("SELECT 1")),
                ]);
            }
            case "C":
                return message("3");
            default:
                return Buffer.alloc(0);
        }
    }
}

const textType = 25;
const booleanType = 16;
const integerType = 23;

/** What is asked first of all (src/database/open-database.ts): of what version it is, and that it is one as any other. */
function facts({ version }: Script): { name: string; type: number; value: string }[] {
    return [
        { name: "version", type: textType, value: version },
        { name: "encoding", type: textType, value: "UTF8" },
        { name: "isStandby", type: booleanType, value: "f" },
        { name: "isReadOnly", type: booleanType, value: "f" },
        { name: "commit", type: textType, value: "on" },
        { name: "workMemKb", type: integerType, value: "4096" },
        { name: "hasTransactionTimeout", type: booleanType, value: "f" },
        { name: "hasTriggers", type: booleanType, value: "t" },
        { name: "maySwitchTriggers", type: booleanType, value: "f" },
    ];
}

function failure({ sqlState, message: said }: Script["failure"]): Buffer {
    const fields = { S: "ERROR", V: "ERROR", C: sqlState, M: said };
    return message(
        "E",
        ...Object.entries(fields).flatMap(([key, value]) => [Buffer.from(key), text(value)]),
        Buffer.from([0]),
    );
}

function message(type: string, ...parts: Buffer[]): Buffer {
    const body = Buffer.concat(parts);
    return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function text(value: string): Buffer {
    return Buffer.from(`${value}\0`);
}

function int32(value: number): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    return bytes;
}

function int16(value: number): Buffer {
    const bytes = Buffer.alloc(2);
    bytes.writeInt16BE(value);
    return bytes;
}
