/** An embedded server with TLS on, whose certificate is made by openssl, and whose rules a test may write. */
import { chownSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../../src/database/connect.ts";
import { acquireEmbeddedServer, type EmbeddedServer } from "../../src/database/embedded-server.ts";

export interface TlsServer {
    server: EmbeddedServer;
    /** PEM file of the authority that signed the certificate for `localhost`. */
    caFile: string;
    /** Replaces pg_hba.conf. */
    setRules(...rules: string[]): Promise<void>;
    setTls(on: boolean): Promise<void>;
}

export async function startTlsServer(dataDir: string): Promise<TlsServer> {
    const server = await acquireEmbeddedServer({ dataDir, log: () => {}, settings: { shared_buffers: "16MB" } });
    const clusterDir = join(dataDir, "postgres", "cluster");
    const { uid, gid } = statSync(clusterDir);
    const give = (name: string, content: string) => {
        const file = join(clusterDir, name);
        writeFileSync(file, content, { mode: 0o600 });
        chownSync(file, uid, gid);
    };
    const { caFile, certificate, key } = makeCertificate(dataDir);
    give("server.crt", certificate);
    give("server.key", key);

    // Through a connection that is there already: the rules decide about new ones only.
    const sql = connect(server.target, { applicationName: "tls test", max: 1 });
    const apply = async (statement: string) => {
        await sql.unsafe(statement);
        await sql`select pg_reload_conf()`;
        // The postmaster reads its files when it comes to it.
        await Bun.sleep(200);
    };
    await sql`select 1`;
    return {
        server: { ...server, release: () => sql.end().then(server.release) },
        caFile,
        setTls: (on) => apply(`alter system set ssl = ${on}`),
        async setRules(...rules) {
            give("pg_hba.conf", `${rules.join("\n")}\n`);
            await apply("select 1");
        },
    };
}

function makeCertificate(dir: string): { caFile: string; certificate: string; key: string } {
    const run = (...args: string[]) => {
        const { success, stderr } = Bun.spawnSync(["openssl", ...args], { cwd: dir });
        if (!success) throw new Error(stderr.toString());
    };
    const key = (name: string) => ["-newkey", "rsa:2048", "-nodes", "-keyout", `${name}.key`];
    run("req", "-x509", ...key("ca"), "-out", "ca.crt", "-subj", "/CN=Test authority", "-days", "2");
    run("req", ...key("server"), "-out", "server.csr", "-subj", "/CN=localhost");
    writeFileSync(join(dir, "server.ext"), "subjectAltName=DNS:localhost\n");
    const signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "server.ext"];
    run("x509", "-req", "-in", "server.csr", ...signed, "-out", "server.crt", "-days", "2");
    return {
        caFile: join(dir, "ca.crt"),
        certificate: readFileSync(join(dir, "server.crt"), "utf8"),
        key: readFileSync(join(dir, "server.key"), "utf8"),
    };
}
