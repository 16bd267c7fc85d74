/** The page with several streams: a table of them on top, and each stream's own panels behind its name. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { findChromium, launchChromium } from "../support/browser.ts";
import { useDatabase } from "../support/fixture.ts";
import { startApi } from "../support/service.ts";
import { waitUntil } from "../support/wait-until.ts";
import { seedStreams } from "./seed-streams.ts";

const chromium = await findChromium();
if ("missing" in chromium) console.error(`The browser tests are skipped: ${chromium.missing}.`);

describe.skipIf("missing" in chromium)("the page of several streams", () => {
    const database = useDatabase(import.meta.path);
    let api: Awaited<ReturnType<typeof startApi>>;
    let browser: Browser;
    let page: Page;
    const complaints: string[] = [];

    beforeAll(async () => {
        api = await startApi(database.url);
        browser = await launchChromium((chromium as { path: string }).path);
        const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
        page = await context.newPage();
        page.setDefaultTimeout(15_000);
        page.on("pageerror", (error) => complaints.push(`uncaught: ${error.message}`));
        page.on("console", (message) => {
            if (message.type() === "error") complaints.push(message.text());
        });
        await page.goto(api.url);
    }, 60_000);
    afterAll(async () => {
        await browser?.close();
        await api?.stop();
    });

    const textOf = async (selector: string) =>
        // biome-ignore lint/performance/useDomNodeTextContent: what is hidden is left out
        (await page.locator(selector).first().innerText({ timeout: 2000 })).trim();
    const shows = (selector: string, expected: RegExp) =>
        waitUntil(`${selector}: ${expected}`, async () => expected.test(await textOf(selector).catch(() => "")));

    const visit = async (name: string) => {
        const views = page.getByRole("navigation", { name: "Views" });
        await views.getByRole("link", { name: new RegExp(`^${name}`) }).click();
        await waitUntil(`the title is ${name}`, async () => (await page.title()).startsWith(name));
    };

    test("of the built-in stream alone has no table of streams, and its own panels", async () => {
        await shows("h1", /Nothing has been ingested yet|Waiting/);
        expect(await page.locator("#streams").count()).toBe(0);
        expect(await page.locator("#business").count()).toBe(1);
        expect(await textOf(".route")).toContain("events");
    }, 30_000);

    test("lists the streams as soon as they are there, those that need somebody first, without the unused built-in one", async () => {
        await seedStreams(database.sql);
        await shows("#streams tbody", /blocked[\s\S]*failing[\s\S]*sensors/);
        const rows = await page.locator("#streams tbody tr").allInnerTexts();
        expect(rows.map((row) => row.split(/\s/)[0])).toEqual(["bookings", "orders", "sensors"]);
        expect(rows[1]).toMatch(/failing[\s\S]*66,132 = 61,204 \+ 3,011[\s\S]* \+ 40[\s\S]* \+ 1,877[\s\S]*1 file$/);
        expect(rows[0]).toMatch(/blocked[\s\S]*The table public\.bookings is gone\. Make it again[\s\S]*12 min ago/);
        await shows("h1", /^bookings is blocked\.$/);
        expect(await textOf("[data-test=read]")).toBe("4,247,264");
        expect(await page.locator("#business").count()).toBe(0);
        expect(await textOf(".route")).toContain("3 streams");
    }, 30_000);

    test("shows of which stream each batch and file is", async () => {
        await shows("#batches tbody", /orders[\s\S]*sensors/);
        await visit("Files");
        await shows("#files tbody", /bookings_44\.csv\s*bookings/);
        await visit("Overview");
    });

    test("follows a name to that stream's own numbers, by the keyboard, and back", async () => {
        await page.locator("#streams").getByRole("link", { name: "orders" }).focus();
        await page.keyboard.press("Enter");
        await shows("h1", /^1 file failed; the others continue\.$/);
        expect(new URL(page.url()).pathname).toBe("/streams/orders");
        await shows("[data-test=read]", /^66,132$/);
        await shows("#batches tbody", /66,132/);
        expect(await page.locator("#batches tbody tr").count()).toBe(1);
        await visit("Files");
        await shows("#files tbody", /orders-2026-11-28/);
        expect(new URL(page.url()).search).toBe("?stream=orders");
        expect(await textOf("#files tbody")).not.toContain("bookings");
        await visit("Rejects");
        await shows(".samples", /order_id\s+77\s+customer\s+Ada\s+total\s+12,50/);
        await visit("Streams");
        await shows("#streams tbody", /orders[\s\S]*sensors/);
        await page.goBack();
        await shows(".samples", /order_id\s+77/);
        await page.getByRole("link", { name: "Show all streams" }).click();
        await waitUntil("no stream is chosen", async () => (await page.locator(".scope").count()) === 0);
        await visit("Overview");
        await shows("[data-test=read]", /^4,247,264$/);
    }, 30_000);

    test("an address opens a stream, and says so when there is none of that name", async () => {
        await page.goto(`${api.url}/streams/sensors`);
        await page.reload();
        await shows("[data-test=read]", /^4,180,232$/);
        for (const name of ["nobody", "%E0%A4%A"]) {
            await page.goto(`${api.url}/streams/${name}`);
            await shows("#stream", /^Stream not found/);
        }
        await page.goto(api.url);
        await shows("[data-test=read]", /^4,247,264$/);
    }, 30_000);

    test("a stream of somebody's that is the only one has the page to itself", async () => {
        await database.sql`update ingest.streams set is_active = false where name in ('sensors', 'bookings')`;
        await shows("[data-test=read]", /^66,132$/);
        expect(await page.locator("#streams").count()).toBe(0);
        expect(await page.locator("#business").count()).toBe(0);
        expect(await textOf(".route")).toContain("orders");
        await database.sql`update ingest.streams set is_active = true`;
        await shows("#streams tbody", /sensors/);
    }, 30_000);

    test.each([
        ["Light", 1280],
        ["Dark", 1280],
        ["Light", 390],
        ["Dark", 390],
    ])(
        "fits, and has nothing serious to axe (%s, %i pixels)",
        async (name, width) => {
            await page.setViewportSize({ width, height: 900 });
            await page.getByRole("radio", { name, exact: true }).check();
            await page.waitForTimeout(400);
            expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
            await page.evaluate(axe.source);
            const { violations } = (await page.evaluate("axe.run()")) as axe.AxeResults;
            const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
            expect(
                serious.flatMap(({ id, nodes }) => nodes.map((node) => [id, node.target, node.failureSummary])),
            ).toEqual([]);
        },
        30_000,
    );

    test("the browser had nothing to complain of", () => {
        expect(complaints).toEqual([]);
    });
});
