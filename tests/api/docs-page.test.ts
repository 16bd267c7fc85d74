/** `/docs` against the OpenAPI document that it is made from. */
import { beforeAll, expect, test } from "bun:test";
import { useApi } from "./api-fixture.ts";
import { readDocument } from "./check-conformance.ts";

const api = useApi(import.meta.path);
let page: string;

beforeAll(async () => {
    page = await (await api.app.request("/docs")).text();
});

const unescapeHtml = (text: string) =>
    text
        .replace(/&quot;/g, '"')
        .replace(/&#39;/g, "'")
        .replace(/&lt;/g, "<")
        .replace(/&gt;/g, ">")
        .replace(/&amp;/g, "&");

test("shows every schema of an answer whole: by a name that is explained, or as JSON that can be read", async () => {
    const document = await readDocument(api.app);
    const answers = Object.values(document.paths).flatMap((methods) =>
        Object.values(methods).flatMap(({ responses }) =>
            Object.values(responses).flatMap(({ content }) => Object.values(content ?? {}).map(({ schema }) => schema)),
        ),
    );
    const shownJson = [...page.matchAll(/<pre>([\s\S]*?)<\/pre>/g)].map(([, text]) =>
        JSON.stringify(JSON.parse(unescapeHtml(text!))),
    );
    const whole = answers.filter((schema) => !("$ref" in schema) && Object.keys(schema).length > 1);
    expect(whole.length).toBeGreaterThan(3);
    for (const schema of whole) expect(shownJson).toContain(JSON.stringify(schema));

    const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, target]) => target!);
    const places = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!));
    expect(links.length).toBeGreaterThan(20);
    expect(links.filter((target) => !places.has(target))).toEqual([]);
});

test("cuts nothing in the middle of a word: what begins as JSON in the page is JSON", () => {
    const codes = [...page.matchAll(/<code>([^<]*)/g)].map(([, text]) => unescapeHtml(text!));
    const cut = codes.filter((text) => {
        const from = text.search(/[{[]"/);
        if (from === -1) return false;
        try {
            JSON.parse(text.slice(from));
            return false;
        } catch {
            return true;
        }
    });
    expect(cut).toEqual([]);
});
