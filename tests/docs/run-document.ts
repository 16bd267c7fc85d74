/** The commands of a document, in order, on a clean copy of the project, as its reader runs them. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { isPortFree } from "../../src/database/embedded/postmaster.ts";
import { asInCheckout, installedCommand } from "../support/run-script.ts";
import { projectDir } from "../support/test-server.ts";
import { waitUntil } from "../support/wait-until.ts";
import { changeText } from "./change-text.ts";
import { comparable, matches } from "./match-output.ts";
import { type Block, readBlocks } from "./read-blocks.ts";

export interface Reader {
    /** Throws, with what was printed, when the block does not do what the document says. */
    follow(block: Block): Promise<void>;
    /** Ends what runs, the copy's database too, and removes the copy. */
    close(): Promise<void>;
}

/** The port that the documents name; each reader gets one of its own. */
const documentedPort = "4040";
const neverCopied = [".git", "node_modules", "dist", "coverage", "data/postgres", "data/test-postgres", "data/archive"];

export async function openReader(): Promise<Reader> {
    const dir = installedCommand ? makeInstalledFolder(installedCommand) : copyProject();
    const port = String(await findPort());
    let background: Shell | null = null;
    const shells: Shell[] = [];
    const start = (command: string) => {
        const shell = startShell(command.replaceAll(documentedPort, port), dir, port);
        shells.push(shell);
        return shell;
    };
    return {
        async follow(block) {
            if (block.kind === "background") {
                background = start(block.command);
                await expectPrinted(background, block);
            } else if (block.kind === "wait" || block.kind === "ctrl-c") {
                if (background === null) throw new Error(`Line ${block.line}: nothing runs in the background.`);
                if (block.kind === "wait") return await expectPrinted(background, block);
                background.forget();
                background.signal("SIGINT");
                const exitCode = await background.ended;
                if (exitCode !== 130) expectExit(exitCode, background, block);
                if (block.printed !== null) expectMatch(background.output(), block, port);
                background = null;
            } else if (block.kind === "change") {
                const path = join(dir, block.path!);
                writeFileSync(path, changeText(readFileSync(path, "utf8"), block.command));
            } else if (block.kind === "new-file") {
                mkdirSync(dirname(join(dir, block.path!)), { recursive: true });
                writeFileSync(join(dir, block.path!), block.command, { flag: "wx" });
            } else if (block.kind === "run") {
                const shell = start(block.command);
                expectExit(await shell.ended, shell, block);
                if (block.printed !== null) expectMatch(shell.output(), block, port);
            }
        },
        async close() {
            for (const shell of shells) {
                if (shell.isRunning()) shell.signal("SIGKILL");
                await shell.ended;
            }
            await stopDatabase(dir, port);
            rmSync(dir, { recursive: true, force: true });
        },
    };

    async function expectPrinted(shell: Shell, block: Block) {
        const { printed } = block;
        if (printed === null) return;
        const isPrinted = () => {
            if (!shell.isRunning()) expectMatch(shell.output(), block, port);
            return matches(shell.output().replaceAll(port, documentedPort), printed, block);
        };
        await waitUntil(`line ${block.line} prints what the document says`, isPrinted).catch((error) => {
            expectMatch(shell.output(), block, port);
            throw error;
        });
        shell.forget();
    }
}

/** Tests that follow a document from its first block to its last; `notRun`: the commands that it shows and nobody runs. */
export function followDocument(document: string, notRun: string[] = []): void {
    const blocks = readBlocks(readFileSync(join(projectDir, document), "utf8"));
    let reader: Reader;
    beforeAll(async () => {
        reader = await openReader();
    }, 30_000);
    afterAll(() => reader.close(), 30_000);

    test("leaves out no block that it should run", () => {
        expect(blocks.filter(({ kind }) => kind === "not-run").map(({ command }) => command)).toEqual(notRun);
    });

    test.each(blocks.map((block) => [`${block.chapter}, line ${block.line}`, block] as const))(
        "%s",
        (_, block) => reader.follow(block),
        120_000,
    );
}

/** A folder with the samples alone, where `bun run NAME` is the installed `sluice NAME`. */
function makeInstalledFolder(command: string): string {
    const dir = mkdtempSync(join(tmpdir(), "sluice-docs-"));
    chmodSync(dir, 0o755);
    cpSync(join(projectDir, "data/samples"), join(dir, "data/samples"), { recursive: true });
    mkdirSync(join(dir, "data/input_data"));
    cpSync(join(projectDir, "bunfig.toml"), join(dir, "bunfig.toml"));
    const scripts = Object.entries(manifest.scripts)
        .filter(([name, script]) => script === `bun scripts/${name}.ts`)
        .map(([name]) => [name, `${command} ${name}`]);
    writeFileSync(join(dir, "package.json"), JSON.stringify({ scripts: Object.fromEntries(scripts) }));
    return dir;
}

/** As a clone has it: without anything that was installed, made or left behind. */
function copyProject(): string {
    const dir = mkdtempSync(join(tmpdir(), "sluice-docs-"));
    // Root's embedded server runs as another account, which must be able to enter.
    chmodSync(dir, 0o755);
    cpSync(projectDir, dir, {
        recursive: true,
        filter(source) {
            const path = relative(projectDir, source);
            if (neverCopied.includes(path) || path === ".env") return false;
            return dirname(path) !== "data/input_data" || path.endsWith(".gitkeep");
        },
    });
    return dir;
}

async function findPort(): Promise<number> {
    while (true) {
        // Below the range from which a connection of anybody takes its own end.
        const port = 10_000 + Math.floor(Math.random() * 9_000);
        if (await isPortFree(port)) return port;
    }
}

interface Shell {
    /** Stdout and stderr, as a terminal shows them, since the last forget(). */
    output(): string;
    forget(): void;
    isRunning(): boolean;
    /** To the whole group, as a terminal does. */
    signal(signal: NodeJS.Signals): void;
    /** 128 + n when a signal ended it. */
    ended: Promise<number>;
}

function startShell(command: string, dir: string, port: string): Shell {
    const child = spawn("bash", ["-e", "-o", "pipefail", "-c", `exec 2>&1\n${curlIfMissing()}${command}`], {
        cwd: dir,
        env: { ...environment(), SLUICE_PORT: port },
        stdio: ["ignore", "pipe", "inherit"],
        detached: true,
    });
    let output = "";
    child.stdout!.setEncoding("utf8").on("data", (piece: string) => {
        output += piece;
    });
    return {
        output: () => asInCheckout(output),
        forget() {
            output = "";
        },
        isRunning: () => child.exitCode === null && child.signalCode === null,
        signal(signal) {
            try {
                process.kill(-child.pid!, signal);
            } catch (error) {
                // It has ended by itself.
                if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
            }
        },
        ended: endOf(child),
    };
}

function endOf(child: ChildProcess): Promise<number> {
    return new Promise((resolve, reject) => {
        child.on("error", reject);
        child.on("close", (code, signal) => resolve(code ?? (signal === "SIGKILL" ? 137 : 128)));
    });
}

/** A machine with nothing but node and npm may have no curl, which is no part of what the documents promise. */
function curlIfMissing(): string {
    if (Bun.which("curl") !== null) return "";
    return `curl() { bun -e 'process.stdout.write(await (await fetch(process.argv.at(-1))).text())' -- "$@"; }\n`;
}

/**
 * This process's, without what belongs to the tests, to a user's own settings or to colours. What is kept of the tests' is
 * the version of the embedded server.
 */
function environment(): Record<string, string> {
    // A registry or a proxy among npm's variables is the machine's own; the others tell a child what runs it.
    const isForeign = (name: string) =>
        /^(SLUICE_(?!TEST_POSTGRES$)|TEST_|DATABASE_URL$|NO_COLOR$|FORCE_COLOR$|CI$|NODE_ENV$)/.test(name) ||
        /^npm_(?!config_)|^npm_config_(user_agent|local_prefix)$/.test(name);
    const kept = Object.entries(process.env).filter(([name]) => !isForeign(name)) as [string, string][];
    const path = `${dirname(process.execPath)}:${process.env.PATH}`;
    return { ...Object.fromEntries(kept), PATH: path, npm_config_prefer_offline: "true" };
}

function expectExit(exitCode: number, shell: Shell, block: Block): void {
    if (exitCode === block.exitCode) return;
    throw new Error(`Line ${block.line} ended with ${exitCode}, not ${block.exitCode}:\n${shell.output()}`);
}

function expectMatch(output: string, block: Block, port: string): void {
    const shown = output.replaceAll(port, documentedPort);
    if (matches(shown, block.printed!, block)) return;
    throw new Error(
        `Line ${block.line} does not print what the document says.\n\n${block.command}\nIt prints:\n\n${comparable(shown)}\n`,
    );
}

/** Whoever was killed with kill -9 has left its database running: the next command that ends stops it. */
async function stopDatabase(dir: string, port: string): Promise<void> {
    if (!existsSync(join(dir, "data", "postgres"))) return;
    const pointer = join(dir, "data", "postgres", "location");
    await startShell("bun run sql 'select 1'", dir, port).ended;
    if (existsSync(pointer)) rmSync(readFileSync(pointer, "utf8").trim(), { recursive: true, force: true });
}
