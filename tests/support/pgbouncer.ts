/** PgBouncer in front of a test's server; every role of the server may connect, by its own password. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DatabaseTarget, makeTarget } from "../../src/database/database-target.ts";
import { isPortFree } from "../../src/database/embedded/postmaster.ts";
import { waitUntil } from "./wait-until.ts";

/** Debian puts it where only root looks. */
const places = `${process.env.PATH}:/usr/sbin:/usr/local/sbin`;

/** Null: there is none on this machine. */
export const findPgbouncer = (): string | null => Bun.which("pgbouncer", { PATH: places });

export type PgBouncer = Awaited<ReturnType<typeof startPgbouncer>>;

/** Few server connections for many clients: transactions that follow each other meet different ones. */
const defaults = {
    default_pool_size: "8",
    reserve_pool_size: "8",
    reserve_pool_timeout: "1",
    max_client_conn: "500",
    server_idle_timeout: "10",
    server_round_robin: "1",
};

/** `admin`: a superuser of the server, who looks up the passwords. `settings`: those of the section [pgbouncer]. */
export async function startPgbouncer(admin: DatabaseTarget, settings: Record<string, string>) {
    const program = findPgbouncer();
    if (program === null) throw new Error("There is no pgbouncer on this machine.");
    const folder = mkdtempSync(join(tmpdir(), "sluice-pgbouncer-"));
    chmodSync(folder, 0o755);
    const port = await choosePort();
    const file = (name: string) => join(folder, name);
    const section = {
        ...{ listen_addr: "127.0.0.1", listen_port: String(port), unix_socket_dir: "" },
        ...{ auth_type: "scram-sha-256", auth_user: admin.user, auth_file: file("users.txt") },
        ...(process.getuid?.() === 0 && { user: "nobody" }),
        ...defaults,
        ...settings,
    };
    writeFileSync(
        file("pgbouncer.ini"),
        ["[databases]", `* = host=${admin.host} port=${admin.port}`, "[pgbouncer]"]
            .concat(Object.entries(section).map(([name, value]) => `${name} = ${value}`))
            .join("\n"),
    );
    writeFileSync(file("users.txt"), `"${admin.user}" "${admin.password}"\n`);
    const child = Bun.spawn([program, file("pgbouncer.ini")], {
        stdin: "ignore",
        stdout: Bun.file(file("log")),
        stderr: Bun.file(file("log")),
    });
    const log = () => readFileSync(file("log"), "utf8");
    await waitUntil("pgbouncer answers", async () => {
        if (child.exitCode !== null) throw new Error(`pgbouncer has ended: ${log()}`);
        return await isListening(port);
    });
    return {
        port,
        /** The same database and account, through it. */
        targetOf: (target: DatabaseTarget) => makeTarget({ ...target, host: "127.0.0.1", port }),
        log,
        async stop() {
            child.kill("SIGKILL");
            await child.exited;
            rmSync(folder, { recursive: true, force: true });
        },
    };
}

async function choosePort(): Promise<number> {
    while (true) {
        const port = 20_000 + Math.floor(Math.random() * 12_000);
        if (await isPortFree(port)) return port;
    }
}

function isListening(port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = connect(port, "127.0.0.1");
        const end = (answer: boolean) => {
            socket.destroy();
            resolve(answer);
        };
        socket.once("connect", () => end(true)).once("error", () => end(false));
    });
}
