/** Every `bun run …` in a document is a command there is, and every flag one that it takes. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { runScript } from "../support/run-script.ts";
import { projectDir } from "../support/test-server.ts";

const documents = [
    "README.md",
    "CONTRIBUTING.md",
    ...readdirSync(join(projectDir, "docs"), { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".md") && !name.startsWith("decisions/"))
        .map((name) => `docs/${name}`),
];

interface Mention {
    document: string;
    command: string;
    flags: string[];
}

/** In code spans, and in the lines of code blocks up to a pipe or the next command. */
function mentionsOf(document: string): Mention[] {
    const text = readFileSync(join(projectDir, document), "utf8");
    const spans = [...text.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!);
    const lines = [...text.matchAll(/^```sh.*\n([\s\S]*?)^```$/gm)].flatMap(([, code]) => code!.split("\n"));
    return [...spans, ...lines].flatMap((code) =>
        [...code.matchAll(/\bbun run ([a-z][a-z:-]*)([^|;&)]*)/g)].map(([, command, rest]) => ({
            document,
            command: command!,
            flags: [...withoutQuoted(rest!).matchAll(/(?<=\s)--[a-z][a-z-]*/g)].map(([flag]) => flag),
        })),
    );
}

const withoutQuoted = (text: string) => text.replace(/'[^']*'|"[^"]*"/g, "");

const mentions = documents.flatMap(mentionsOf);
const scripts = manifest.scripts as Record<string, string>;

test("every command is one of package.json", () => {
    expect(mentions.filter(({ command }) => scripts[command] === undefined)).toEqual([]);
    expect(mentions.length).toBeGreaterThan(50);
});

test("every flag is in its command's help", async () => {
    const unknown: Mention[] = [];
    for (const command of new Set(mentions.map(({ command }) => command))) {
        const [, name] = /^bun scripts\/(.+)\.ts$/.exec(scripts[command] ?? "") ?? [];
        const ofCommand = mentions.filter((mention) => mention.command === command && mention.flags.length > 0);
        // bun test's flags and drizzle-kit's are theirs.
        if (name === undefined || name === "test" || ofCommand.length === 0) continue;
        const { stdout } = await runScript(name, ["--help"]);
        const known = new Set(stdout.match(/--[a-z][a-z-]*/g));
        unknown.push(...ofCommand.filter(({ flags }) => !flags.every((flag) => known.has(flag))));
    }

    expect(unknown).toEqual([]);
}, 60_000);
