/** `GET /docs`: the OpenAPI document as a page. Made here, without a script; no request leaves the machine. */
import { createHash } from "node:crypto";
import { html, raw } from "hono/html";
import type { Api } from "../route-types.ts";

const style = `
:root { color-scheme: light dark; --muted: #667; --line: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; } p { margin: .3rem 0; }
code, pre { font: 13px/1.5 ui-monospace, monospace; } pre { overflow-x: auto; }
section { border-top: 1px solid var(--line); padding: 1rem 0; }
summary { cursor: pointer; color: var(--muted); } .method { text-transform: uppercase; font-weight: 700; }
table { border-collapse: collapse; width: 100%; } td { vertical-align: top; padding: .15rem 1rem .15rem 0; overflow-wrap: anywhere; }
td:not(:last-child) { white-space: nowrap; }
@media (max-width: 40rem) { td { display: block; } pre { max-width: calc(100vw - 4rem); } }
.muted { color: var(--muted); }
`;
const styleHash = createHash("sha256").update(style).digest("base64");
const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

interface Operation {
    summary?: string;
    description?: string;
    parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: unknown }[];
    requestBody?: { content: Record<string, { schema: unknown }> };
    responses: Record<string, { description: string; content?: Record<string, { schema: unknown }> }>;
}

interface Document {
    info: { title: string; version: string; description?: string };
    paths: Record<string, Record<string, Operation>>;
    components?: { schemas?: Record<string, unknown> };
}

export function addDocsRoute(app: Api, document: () => object): void {
    app.get("/docs", (c) => c.html(renderDocument(document() as Document), 200, { "content-security-policy": policy }));
}

function renderDocument({ info, paths, components }: Document) {
    return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${info.title} API</title>
<style>${raw(style)}</style></head>
<body>
<h1>${info.title} API</h1>
<p>${info.description ?? ""}</p>
<p><a href="/openapi.json">openapi.json</a></p>
<main>${Object.entries(paths).flatMap(([path, operations]) =>
        Object.entries(operations).map(([method, operation]) => renderOperation(method, path, operation)),
    )}</main>
<h1>Schemas</h1>
${Object.entries(components?.schemas ?? {}).map(([name, schema]) => renderJson(name, schema, `schema-${name}`))}
</body>
</html>`;
}

function renderOperation(
    method: string,
    path: string,
    { summary, description, parameters = [], requestBody, responses }: Operation,
) {
    return html`<section id="${method} ${path}">
<h2><code><span class="method">${method}</span> ${path}</code></h2>
<p>${summary ?? ""}</p>
${description ? html`<p class="muted">${description}</p>` : ""}
${
    parameters.length === 0
        ? ""
        : html`<table><tbody>${parameters.map(
              (parameter) => html`<tr>
<td><code>${parameter.name}</code></td><td class="muted">${parameter.in}${parameter.required ? ", required" : ""}</td>
<td>${parameter.description ?? ""} <code>${JSON.stringify(parameter.schema ?? {})}</code></td></tr>`,
          )}</tbody></table>`
}
${requestBody ? Object.entries(requestBody.content).map(([type, { schema }]) => renderJson(`Body: ${type}`, schema)) : ""}
<table><tbody>${Object.entries(responses).map(
        ([status, response]) => html`<tr>
<td><code>${status}</code></td><td>${response.description} ${Object.entries(response.content ?? {}).map(
            ([type, { schema }]) => renderSchema(type, schema),
        )}</td></tr>`,
    )}</tbody></table>
</section>`;
}

function renderJson(title: string, schema: unknown, id?: string) {
    return html`<details${id === undefined ? "" : html` id="${id}"`}><summary><code>${title}</code></summary><pre>${JSON.stringify(schema, null, 2)}</pre></details>`;
}

/** By its name, which is a heading below; without one as a whole, folded. Never cut: half a schema is none. */
function renderSchema(type: string, schema: unknown) {
    const { $ref, type: plainType, ...rest } = schema as { $ref?: string; type?: string };
    if ($ref === undefined && Object.keys(rest).length > 0) return renderJson(type, schema);
    const name = $ref?.split("/").at(-1);
    const shown = name === undefined ? html`${plainType ?? "any"}` : html`<a href="#schema-${name}">${name}</a>`;
    return html`<code>${type}: ${shown}</code> `;
}
