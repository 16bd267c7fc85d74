import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { renderedFiles } from "../../src/shop/rendered-files.ts";
import { projectDir } from "../support/test-server.ts";

test("sql/rendered/ is what the templates give: bun run sql:render writes it anew", () => {
    const folder = join(projectDir, "sql/rendered/events");
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".sql"));
    const stands = names.map((name) => [`sql/rendered/events/${name}`, readFileSync(join(folder, name), "utf8")]);
    expect(Object.fromEntries(stands)).toEqual(Object.fromEntries(renderedFiles()));
});
