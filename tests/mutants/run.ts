/**
 * `bun run test:mutants [NAME…]`: takes out, one at a time, a mechanism that the promises rest on, in a scratch copy of the
 * tree, and runs the tests that have to notice. One that stays unnoticed is a test that is missing. Names choose mutants
 * by a part of what they are without. The last line is `N passed, N failed`: caught is passed.
 */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { projectDir } from "../support/test-server.ts";
import { applyEdit, type Mutant, mutants } from "./mutants.ts";

interface Outcome {
    passed: number;
    failed: number;
    /** The names of tests that failed. */
    noticedBy: string[];
    output: string;
}

const names = process.argv.slice(2);
const chosen = mutants.filter(({ without }) => names.length === 0 || names.some((name) => without.includes(name)));
const scratchDir = makeScratchCopy();
const soundRuns = new Map<string, Outcome>();
const rows: { without: string; verdict: "caught" | "missed" | "no verdict"; noticedBy: string }[] = [];
try {
    for (const mutant of chosen) {
        const sound = await runSound(mutant);
        const verdict = sound.failed > 0 || sound.passed === 0 ? null : await judge(mutant);
        if (verdict === null || verdict.verdict !== "caught")
            console.error((verdict?.output ?? sound.output).slice(-3_000));
        rows.push({
            without: mutant.without,
            verdict: verdict?.verdict ?? "no verdict",
            noticedBy: verdict?.noticedBy ?? "its tests do not pass on the sound code",
        });
        const { without, verdict: word, noticedBy } = rows.at(-1)!;
        console.log(`${word.padEnd(11)}without ${without}: ${noticedBy}`);
    }
} finally {
    rmSync(scratchDir, { recursive: true, force: true });
}
const caught = rows.filter(({ verdict }) => verdict === "caught").length;
console.log(`${caught} passed, ${rows.length - caught} failed`);
process.exit(caught === rows.length && rows.length > 0 ? 0 : 1);

/** Once for all mutants that have the same tests. */
async function runSound(mutant: Mutant): Promise<Outcome> {
    const { files, pattern } = mutant.tests;
    const tests = JSON.stringify([files, pattern]);
    const known = soundRuns.get(tests) ?? (await runTests(mutant));
    soundRuns.set(tests, known);
    return known;
}

async function judge(mutant: Mutant): Promise<{ verdict: "caught" | "missed"; noticedBy: string; output: string }> {
    const before = new Map<string, string>();
    for (const edit of mutant.edits) {
        const path = join(scratchDir, edit.file);
        const text = readFileSync(path, "utf8");
        if (!before.has(path)) before.set(path, text);
        writeFileSync(path, applyEdit(text, edit));
    }
    try {
        const { failed, noticedBy, output } = await runTests(mutant);
        const others = failed > 1 ? ` and ${failed - 1} more` : "";
        if (failed === 0) return { verdict: "missed", noticedBy: "no test", output };
        return { verdict: "caught", noticedBy: `“${noticedBy[0]}”${others}`, output };
    } finally {
        for (const [path, text] of before) writeFileSync(path, text);
    }
}

/** In the scratch copy, on a server of its own. CI: one seed, so that both runs of a mutant see the same. */
async function runTests({ tests: { files, pattern } }: Mutant): Promise<Outcome> {
    const args = [...files, ...(pattern === undefined ? [] : ["-t", pattern])];
    const child = Bun.spawn([process.execPath, "scripts/test.ts", ...args], {
        cwd: scratchDir,
        env: { ...process.env, CI: "1", NO_COLOR: "1", TEST_DATABASE_URL: "" },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
    });
    const [stdout, stderr] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
    ]);
    const tally = /^(\d+) passed, (\d+) failed/m.exec(stdout);
    const noticedBy = [...stderr.matchAll(/^\(fail\) (.*?)(?: \[[\d.]+ms\])?$/gm)].map(([, name]) => name!);
    return { passed: Number(tally?.[1] ?? 0), failed: Number(tally?.[2] ?? 0), noticedBy, output: stdout + stderr };
}

/** The files that git knows or would add, with the packages of this tree. Open to the account that root lends the test server. */
function makeScratchCopy(): string {
    const dir = mkdtempSync(join(tmpdir(), "sluice-mutants-"));
    chmodSync(dir, 0o755);
    const listed = Bun.spawnSync(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
        cwd: projectDir,
    });
    for (const file of listed.stdout.toString().split("\0").filter(Boolean)) {
        mkdirSync(dirname(join(dir, file)), { recursive: true });
        cpSync(join(projectDir, file), join(dir, file));
    }
    symlinkSync(join(projectDir, "node_modules"), join(dir, "node_modules"));
    return dir;
}
