/** Links between the documents lead somewhere, anchors too. Addresses elsewhere are not asked. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { Glob } from "bun";
import manifest from "../../package.json" with { type: "json" };
import { projectDir } from "../support/test-server.ts";

const rootDocuments = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ".github/SECURITY.md"];
const otherDocuments = ["data/samples/README.md", "tests/cases/README.md"];
const inDocs = readdirSync(join(projectDir, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`);
const documents = [...rootDocuments, ...otherDocuments, ...inDocs].sort();

/** Without what is code: blocks and spans. */
function prose(document: string): string {
    const text = readFileSync(join(projectDir, document), "utf8");
    return text.replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, "``");
}

/** Targets of `[text](target)` and `![text](target)`. */
function linksOf(text: string): string[] {
    return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
}

/** Headings as GitHub makes anchors of them. */
function anchorsOf(document: string): string[] {
    const text = readFileSync(join(projectDir, document), "utf8").replace(/^```[\s\S]*?^```$/gm, "");
    return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
        heading!
            .toLowerCase()
            .replace(/[^\p{L}\p{N}_\- ]/gu, "")
            .replaceAll(" ", "-"),
    );
}

function problemOf(document: string, link: string): string | null {
    if (/^(https?|mailto):/.test(link)) return null;
    const [path, anchor] = link.split("#") as [string, string | undefined];
    const target = path === "" ? document : relative(projectDir, join(projectDir, dirname(document), path));
    if (target.startsWith("..")) return "leaves the project";
    if (!existsSync(join(projectDir, target))) return "there is no such file";
    if (anchor === undefined) return null;
    if (statSync(join(projectDir, target)).isDirectory()) return "a folder has no anchors";
    return anchorsOf(target).includes(anchor) ? null : `no heading makes the anchor #${anchor}`;
}

describe.each(documents)("%s", (document) => {
    test("has no broken link", () => {
        const broken = linksOf(prose(document))
            .map((link) => ({ link, problem: problemOf(document, link) }))
            .filter(({ problem }) => problem !== null);
        expect(broken).toEqual([]);
    });
});

/** What npm packs: the globs of `files`, less those with `!`, and what it always takes. */
function packedFiles(): Set<string> {
    const taken = new Set(["README.md", "LICENSE", "package.json"]);
    for (const pattern of manifest.files) {
        const isLeftOut = pattern.startsWith("!");
        const path = pattern.replace(/^!/, "");
        const isFolder = existsSync(join(projectDir, path)) && statSync(join(projectDir, path)).isDirectory();
        for (const file of new Glob(isFolder ? `${path}/**` : path).scanSync({ cwd: projectDir, dot: true })) {
            if (isLeftOut) taken.delete(file);
            else taken.add(file);
        }
    }
    return taken;
}

test("every link of the documents in the npm package leads to a file of the package", () => {
    const packed = packedFiles();
    const folders = new Set([...packed].map((path) => dirname(path)));
    const pages = [...packed].filter((path) => path.endsWith(".md"));
    const dead = pages.flatMap((page) =>
        linksOf(prose(page))
            .filter((link) => !/^(https?|mailto):|^#/.test(link))
            .map((link) => relative(projectDir, join(projectDir, dirname(page), link.split("#")[0]!)))
            .filter((target) => !packed.has(target) && !folders.has(target))
            .map((target) => `${page} → ${target}`),
    );
    expect(pages.length).toBeGreaterThan(20);
    expect(dead).toEqual([]);
});

test("a broken link is seen: a file, an anchor", () => {
    expect(problemOf("docs/README.md", "no_such_page.md")).toBe("there is no such file");
    expect(problemOf("docs/README.md", "user_guide.md#no-such-heading")).toBe(
        "no heading makes the anchor #no-such-heading",
    );
    expect(problemOf("docs/README.md", "user_guide.md#what-to-watch")).toBeNull();
    expect(linksOf("See [one](a.md#b) and ![two](c.png).")).toEqual(["a.md#b", "c.png"]);
});

describe("what sources, tests and documents cite", () => {
    const tracked = Bun.spawnSync(["git", "ls-files"], { cwd: projectDir }).stdout.toString().trim().split("\n");
    const names = new Set(tracked.filter((path) => path.endsWith(".md")).map((path) => basename(path)));
    const texts = tracked
        .filter(
            (path) =>
                /\.(ts|tsx|sql|md|yaml|yml|json|css|patch|example)$/.test(path) && existsSync(join(projectDir, path)),
        )
        .filter((path) => !path.startsWith("tests/docs/") && !path.startsWith("drizzle/meta/"))
        .map((path) => ({ path, text: readFileSync(join(projectDir, path), "utf8") }));

    test("is a document of the project, whether by its path or by its name", () => {
        expect(texts.length).toBeGreaterThan(300);
        const missing = texts.flatMap(({ path, text }) =>
            citedDocuments(text)
                .filter((cited) => !names.has(basename(cited)))
                .map((cited) => `${path}: ${cited}`),
        );
        expect(missing).toEqual([]);
    });

    test("is there under that path, when a path below docs/ is given", () => {
        const missing = texts.flatMap(({ path, text }) =>
            citedDocuments(text)
                .filter((cited) => cited.startsWith("docs/") && !existsSync(join(projectDir, cited)))
                .map((cited) => `${path}: ${cited}`),
        );
        expect(missing).toEqual([]);
    });

    test("a citation is seen: a path, a name, a name without its ending", () => {
        expect(citedDocuments('by docs/a_b.md, or RULES.md.\n// (NOTES: `x`)\n * see NOTES, "A heading"')).toEqual([
            "docs/a_b.md",
            "RULES.md",
            "NOTES",
            "NOTES",
        ]);
    });
});

/** `docs/guarantees.md`, `README.md`; and a name in capitals that is followed by what stands there, in a comment. */
function citedDocuments(text: string): string[] {
    const paths = [...text.matchAll(/(?<![\w/.@-])((?:[\w.-]+\/)*[A-Za-z][\w-]*\.md)(?![\w/])/g)];
    const bareNames = [...text.matchAll(/^\s*(?:\*|\/\/|--|#).*?(?<=[(\s])([A-Z]{4,})(?:: `|, "[A-Z])/gm)];
    return [...paths, ...bareNames].map(([, name]) => name!);
}

test("the index names every document of docs/", () => {
    const index = readFileSync(join(projectDir, "docs/README.md"), "utf8");
    const pages = inDocs.map((page) => page.replace(/^docs\//, ""));

    expect(pages.filter((page) => !page.includes("/") && page !== "README.md" && !index.includes(page))).toEqual([]);
});
