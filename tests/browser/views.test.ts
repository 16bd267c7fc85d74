/** Each view of the page in a real browser: its address, its requests, the keyboard, a phone, axe; search, ranges and pause. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { findChromium, launchChromium } from "../support/browser.ts";
import { header, makeFolder, useDatabase } from "../support/fixture.ts";
import { type Service, startService } from "../support/service.ts";
import { waitUntil } from "../support/wait-until.ts";

const chromium = await findChromium();
if ("missing" in chromium) console.error(`The browser tests are skipped: ${chromium.missing}.`);

/** Its address, its title, what it shows, and what it asks the API for beside the live stream. */
const views: [path: string, title: string, shown: string, text: RegExp, requests: string[]][] = [
    ["/streams", "Streams", "#streams tbody", /events/, []],
    ["/streams/events", "events", "h1", /file failed|Keeping up|Up to date/, overviewRequests()],
    ["/files?state=merged", "Files", "#files tbody", /^good\.csv\s+merged/, ["/v1/files"]],
    [
        "/files/1",
        "File 1",
        "#file-batches tbody",
        /batch #1/,
        ["/v1/batches", "/v1/files", "/v1/files/1", "/v1/rejects"],
    ],
    ["/batches", "Batches", "#batches tbody", /batch #1/, ["/v1/batches"]],
    ["/batches/1", "Batch 1", "#batch-files tbody", /good\.csv/, ["/v1/batches/1", "/v1/rejects"]],
    [
        "/rejects?reason=event_type_unknown",
        "Rejects",
        ".samples",
        /no_such_type/,
        ["/v1/rejects", "/v1/rejects/summary"],
    ],
    ["/rejects/1", "Reject 1", "#life .lives", /good\.csv:\d/, ["/v1/rejects/1", "/v1/trace"]],
    ["/rejects/2", "Reject 2", "#life .lives", /good\.csv:\d/, ["/v1/rejects/2", "/v1/trace"]],
    ["/checks", "Checks", "#checks .note", /^(\d+) of \1 checks hold/, ["/v1/checks"]],
    ["/trace?q=good.csv:1", "Trace", "#trace .lives", /inserted by batch #1/, ["/v1/trace"]],
    ["/", "Overview", "[data-test=read]", /^5$/, overviewRequests()],
];

function overviewRequests(): string[] {
    const stats = ["/v1/stats", "/v1/stats/funnel", "/v1/stats/top-products"];
    return ["/metrics", "/v1/batches", "/v1/events", "/v1/flow", ...stats];
}

describe.skipIf("missing" in chromium)("the views", () => {
    const database = useDatabase(import.meta.path);
    const inputDir = makeFolder();
    let service: Service;
    let browser: Browser;
    let page: Page;
    const requests: string[] = [];
    const complaints: string[] = [];

    beforeAll(async () => {
        service = await startService(database.url, inputDir);
        browser = await launchChromium((chromium as { path: string }).path);
        page = await (await browser.newContext({ timezoneId: "UTC" })).newPage();
        page.setDefaultTimeout(15_000);
        page.on("request", (request) => requests.push(new URL(request.url()).pathname));
        page.on("pageerror", (error) => complaints.push(`uncaught: ${error.message}`));
        page.on(
            "console",
            (message) => message.type() === "error" && complaints.push(`${page.url()}: ${message.text()}`),
        );
        drop("good.csv", [1, 2, 3].map((n) => event(n)).concat(event(4, "no_such_type"), event(1, "purchase")));
        await page.goto(service.pageUrl);
        await shows("[data-test=read]", /^5$/);
        drop("broken.csv", ["1,2"], "event_id,colour");
        await shows("nav.views", /Files 1/);
    }, 60_000);
    afterAll(async () => {
        await browser?.close();
        await service?.stop();
        rmSync(inputDir, { recursive: true, force: true });
    });

    function drop(name: string, lines: string[], head = header): void {
        writeFileSync(join(inputDir, `.${name}`), `${[head, ...lines].join("\n")}\n`);
        renameSync(join(inputDir, `.${name}`), join(inputDir, name));
    }
    const textOf = async (selector: string) =>
        // biome-ignore lint/performance/useDomNodeTextContent: what is hidden is left out
        (await page.locator(selector).first().innerText({ timeout: 2000 })).trim();
    const shows = (selector: string, expected: RegExp) =>
        waitUntil(`${selector}: ${expected}`, async () => expected.test(await textOf(selector).catch(() => "")));
    const open = async (path: string) => await page.goto(new URL(path, service.pageUrl).href);
    const addressOf = () => page.url().slice(service.pageUrl.length - 1);
    const findViolations = async () => {
        await page.evaluate(axe.source);
        const { violations } = (await page.evaluate("axe.run()")) as axe.AxeResults;
        const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        return serious.flatMap(({ id, nodes }) =>
            nodes.map(({ target, failureSummary }) => [id, target, failureSummary]),
        );
    };

    test.each(views)(
        "%s is kept by a reload, asks for nothing else, fits a phone, and has nothing serious to axe",
        async (path, title, shown, text, expected) => {
            await page.setViewportSize({ width: 1360, height: 900 });
            await page.goto("about:blank");
            requests.length = 0;
            await open(path);
            await shows(shown, text);
            await waitUntil("the requests", () => expected.every((request) => requests.includes(request)));
            const asked = new Set(requests.filter((request) => /^\/(v1|metrics|openapi)/.test(request)));
            expect([...asked].filter((request) => request !== "/v1/stream").sort()).toEqual(expected);
            expect(requests.filter((request) => request === "/v1/stream")).toHaveLength(1);
            expect(await page.title()).toBe(`${title} · Sluice`);
            expect(await page.locator("h1").count()).toBe(1);
            expect(await findViolations()).toEqual([]);
            await page.setViewportSize({ width: 375, height: 812 });
            await page.reload();
            await shows(shown, text);
            expect(addressOf()).toBe(path);
            expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(375);
            expect(await findViolations()).toEqual([]);
        },
        30_000,
    );

    test("the keyboard goes from view to view, the title and the mark follow, and back goes back, on one live stream", async () => {
        await page.setViewportSize({ width: 1360, height: 900 });
        await open("/");
        await shows("nav.views", /Overview/);
        requests.length = 0;
        await page.getByRole("link", { name: "Streams", exact: true }).focus();
        await page.keyboard.press("Tab");
        await page.keyboard.press("Enter");
        await shows("#files tbody", /good\.csv/);
        expect(await textOf("nav.views [aria-current=page]")).toStartWith("Files");
        expect(await page.evaluate("document.activeElement.id")).toBe("main");
        await page.getByRole("link", { name: "good.csv" }).focus();
        await page.keyboard.press("Enter");
        await shows("#file h1", /^good\.csv$/);
        await page.getByRole("link", { name: "batch #1" }).first().click();
        await shows("#batch h1", /^Batch #1$/);
        await page.goBack();
        await page.goBack();
        await shows("#files tbody", /good\.csv/);
        expect([addressOf(), await page.title()]).toEqual(["/files", "Files · Sluice"]);
        expect(requests.filter((request) => request === "/v1/stream" || request === "/")).toEqual([]);
    }, 30_000);

    test.each([
        [eventId(2), "#trace .lives", /good\.csv:2/, `/trace?q=${eventId(2)}`],
        ["GOOD", "#files tbody", /^good\.csv/, "/files?contains=GOOD"],
        ["good.csv:3", "#trace .lives", /good\.csv:3/, "/trace?q=good.csv%3A3"],
        ["#1", "#reject h1", /#1$/, "/rejects/1"],
        ["batch 1", "#batch h1", /^Batch #1$/, "/batches/1"],
    ])(
        "a search for %s leads to it",
        async (query, shown, text, address) => {
            const box = page.getByRole("searchbox", { name: /^Search for/ });
            await box.fill(query);
            await box.press("Enter");
            await shows(shown, text);
            expect(addressOf()).toBe(address);
        },
        20_000,
    );

    test("a table on a phone has a block for each row, in which each cell bears its column's name", async () => {
        await page.setViewportSize({ width: 375, height: 812 });
        await open("/files");
        await shows("#files tbody", /good\.csv/);
        const cell = page.locator("#files tbody td[data-label=Size]").first();
        const label = await cell.evaluate((element) => getComputedStyle(element, "::before").content);
        const row = await page.locator("#files tbody tr").first().boundingBox();
        const box = await cell.boundingBox();
        expect([label, box!.x >= row!.x, box!.x + box!.width <= 375]).toEqual(['"Size"', true, true]);
        await page.setViewportSize({ width: 1360, height: 900 });
    }, 20_000);

    test("a time range is in the address, goes along to other views, and leaves out what is outside", async () => {
        await open("/files");
        await page.getByRole("radio", { name: "From one time to another" }).check();
        await page.getByLabel("From", { exact: true }).fill("2020-01-01T00:00:00");
        await page.getByLabel("To", { exact: true }).fill("2020-01-02T00:00:00");
        await page.getByRole("button", { name: "Show" }).click();
        await shows("#files", /No matching files\./);
        await page.getByRole("link", { name: "Batches" }).click();
        await shows("#batches", /No batches in this time range\./);
        expect(addressOf()).toBe("/batches?from=2020-01-01T00%3A00%3A00.000Z&to=2020-01-02T00%3A00%3A00.000Z");
        await page.getByRole("radio", { name: "The last day" }).check();
        await shows("#batches tbody", /batch #1/);
        expect(addressOf()).toBe("/batches?range=24h");
    }, 30_000);

    test("a list that is paused stands still, asks for nothing and counts what came; resumed, it shows it", async () => {
        await open("/batches");
        await shows("#batches tbody", /^batch #1\b/);
        await page.getByRole("button", { name: "Pause this list" }).click();
        await shows(".held", /^Paused · 0 new/);
        requests.length = 0;
        drop("later.csv", [event(8)]);
        await shows(".held", /^Paused · 1 new/);
        expect(await textOf("#batches tbody")).toMatch(/^batch #1\b/);
        expect(requests).toEqual([]);
        await page.getByRole("button", { name: "Resume this list" }).click();
        await shows("#batches tbody", /^batch #2\b/);
    }, 30_000);

    test("the browser had nothing to complain of", () => {
        expect(complaints).toEqual([]);
    });
});

const minute = new Date().toISOString().slice(0, 16);

function event(n: number, type = "view"): string {
    return `${eventId(n)},${type},product_${n},user_${n},${minute}:${String(n).padStart(2, "0")},1,2.50`;
}

function eventId(n: number): string {
    return `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
}
