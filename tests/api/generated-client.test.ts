/** A client made from /openapi.json by another's tool compiles, and its types say what the API answers. */
import { expect, mock, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import typescript from "typescript-5";
import { makeFolder } from "../support/fixture.ts";
import { useApi } from "./api-fixture.ts";

const root = join(import.meta.dir, "../..");
// Inside the project, for its compiler's settings; git ignores data/.
const folder = makeFolder(join(root, "data"));
const api = useApi(import.meta.path, { upload: { inputDir: folder } });

const client = `
import type { components, paths } from "./schema.ts";

type Answer<Path extends keyof paths> = paths[Path] extends {
    get: { responses: { 200: { content: { "application/json": infer Body } } } };
} ? Body : never;

export function read(
    status: Answer<"/v1/status">,
    stats: Answer<"/v1/stats">,
    rejects: Answer<"/v1/rejects">,
    checks: Answer<"/v1/checks">,
    upload: paths["/v1/ingest"]["post"]["responses"][202]["content"]["application/json"],
    problem: components["schemas"]["Problem"],
): [number, string, number | null, string | undefined, boolean | undefined, string, string] {
    const request: paths["/v1/replay"]["post"]["requestBody"]["content"]["application/json"] = { reason: "price_negative" };
    // @ts-expect-error: there is no such state
    const wrong: typeof status.state = "up to date";
    void [request, wrong];
    return [
        stats.records.read,
        status.verdict,
        status.capacity.recordsPerSecond,
        rejects.data[0]?.reasons[0],
        checks.run?.passed,
        upload.follow,
        problem.code,
    ];
}
`;

test("compiles, strictly", async () => {
    const document = await (await api.app.request("/openapi.json")).json();
    // It builds on the compiler's own syntax tree, which TypeScript 7 no longer has in JavaScript.
    mock.module("typescript", () => ({ default: typescript }));
    const { default: openapiTS, astToString } = await import("openapi-typescript");
    writeFileSync(join(folder, "schema.ts"), astToString(await openapiTS(document as never)));
    writeFileSync(join(folder, "client.ts"), client);
    writeFileSync(
        join(folder, "tsconfig.json"),
        JSON.stringify({ extends: join(root, "tsconfig.json"), include: ["*.ts"], compilerOptions: { types: [] } }),
    );
    const compiler = Bun.spawnSync([
        process.execPath,
        join(root, "node_modules/typescript/bin/tsc"),
        "--noEmit",
        "-p",
        folder,
    ]);
    expect(compiler.stdout.toString()).toBe("");
    expect(compiler.exitCode).toBe(0);
});
