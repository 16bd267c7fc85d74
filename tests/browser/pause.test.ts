/** Pausing and resuming the ingest on the page: by the mouse, by the keyboard, of all streams and of one; axe, a phone. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { findChromium, launchChromium } from "../support/browser.ts";
import { headerLine, idOf, makeFolder, useDatabase } from "../support/fixture.ts";
import { type Service, startService } from "../support/service.ts";
import { waitUntil } from "../support/wait-until.ts";

const chromium = await findChromium();
if ("missing" in chromium) console.error(`The browser tests are skipped: ${chromium.missing}.`);

describe.skipIf("missing" in chromium)("pausing the ingest on the page", () => {
    const database = useDatabase(import.meta.path);
    const inputDir = makeFolder();
    let service: Service;
    let browser: Browser;
    let page: Page;
    const complaints: string[] = [];

    beforeAll(async () => {
        service = await startService(database.url, inputDir);
        browser = await launchChromium((chromium as { path: string }).path);
        page = await (await browser.newContext({ timezoneId: "UTC" })).newPage();
        page.setDefaultTimeout(15_000);
        page.on("pageerror", (error) => complaints.push(`uncaught: ${error.message}`));
        page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
        drop("a.csv", 1);
        await page.goto(service.pageUrl);
        await shows("[data-test=read]", /^1$/);
    }, 60_000);
    afterAll(async () => {
        await browser?.close();
        await service?.stop();
    });

    function drop(name: string, no: number): void {
        writeFileSync(join(inputDir, `.${name}`), `${headerLine}${idOf(no)},view,p1,u1,2024-05-01 10:00:00,1,1.00\n`);
        renameSync(join(inputDir, `.${name}`), join(inputDir, name));
    }
    const textOf = async (selector: string) =>
        // biome-ignore lint/performance/useDomNodeTextContent: what is hidden is left out
        (await page.locator(selector).first().innerText({ timeout: 2000 })).trim();
    const shows = (selector: string, expected: RegExp) =>
        waitUntil(`${selector}: ${expected}`, async () => expected.test(await textOf(selector).catch(() => "")));
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");
    const pausedStreams = () => database.sql`
        select name, paused_by as by, pause_reason as reason from ingest.streams where paused_at is not null order by name`;

    async function expectAccessible(width: number): Promise<void> {
        await page.setViewportSize({ width, height: 800 });
        await page.evaluate(axe.source);
        const { violations } = (await page.evaluate("axe.run()")) as axe.AxeResults;
        const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        expect(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
        const isFitting = await page.evaluate(
            () => document.documentElement.scrollWidth <= document.documentElement.clientWidth,
        );
        expect(isFitting).toBe(true);
    }

    /** Before that, Enter would be the button's. */
    const fieldHasFocus = () =>
        waitUntil("the field has the focus", () => page.evaluate(() => document.activeElement?.tagName === "INPUT"));

    beforeEach(async () => {
        await database.sql`select ingest.resume_streams(null)`;
    });

    test("asks why, pauses, shows who, when and why, and the file waits until it is resumed", async () => {
        await page.getByRole("button", { name: "Pause ingest" }).click();
        await page.getByRole("textbox", { name: "Why" }).fill("the disk is replaced");
        await expectAccessible(1280);
        await expectAccessible(375);
        await page.getByRole("button", { name: "Pause", exact: true }).click();
        await shows("h1", /^Paused for .+ by page: the disk is replaced\.$/);
        await shows("header .state", /^Paused$/);
        expect([...(await pausedStreams())]).toEqual([{ name: "events", by: "page", reason: "the disk is replaced" }]);
        await expectAccessible(375);
        await expectAccessible(1280);
        await page.reload();
        await shows("h1", /^Paused for /);
        drop("b.csv", 2);
        await Bun.sleep(2_500);
        expect(await textOf("[data-test=read]")).toBe("1");
        await page.getByRole("button", { name: "Resume ingest" }).click();
        await shows("[data-test=read]", /^2$/);
        await shows("h1", /^(?!Paused)/);
    }, 60_000);

    test("by the keyboard alone; Escape gives up, and the focus stays where one is", async () => {
        await page.getByRole("button", { name: "Pause ingest" }).focus();
        await page.keyboard.press("Enter");
        await fieldHasFocus();
        await page.keyboard.press("Escape");
        await waitUntil("the button has it again", async () => (await focused()).startsWith("Pause ingest"));
        await page.keyboard.press("Enter");
        await fieldHasFocus();
        await page.keyboard.press("Enter");
        await waitUntil("it can be resumed", async () => (await focused()).startsWith("Resume ingest"));
        expect([...(await pausedStreams())]).toEqual([{ name: "events", by: "page", reason: null }]);
        await page.keyboard.press("Enter");
        await waitUntil("it can be paused", async () => (await focused()).startsWith("Pause ingest"));
        expect([...(await pausedStreams())]).toEqual([]);
    }, 60_000);

    test("of one stream on its own view, of all on the overview", async () => {
        await database.sql`select ingest.add_stream(1::smallint, 'orders', 'sales.orders', 'insert')`;
        await page.goto(`${service.pageUrl}streams/orders`);
        await page.getByRole("button", { name: "Pause ingest of orders" }).click();
        await fieldHasFocus();
        await page.keyboard.press("Enter");
        await shows("h1", /^Paused for /);
        expect([...(await pausedStreams())]).toMatchObject([{ name: "orders" }]);
        await page.goto(service.pageUrl);
        await shows("#streams tbody", /orders[\s\S]*paused/);
        await shows(".verdict", /orders is paused\./);
        await page.getByRole("button", { name: "Pause ingest of all streams" }).click();
        await fieldHasFocus();
        await page.keyboard.press("Enter");
        await shows("h1", /^All 2 streams are paused\.$/);
        await page.getByRole("button", { name: "Resume ingest of all streams" }).click();
        await shows("#streams tbody", /^(?![\s\S]*paused)/);
        expect([...(await pausedStreams())]).toEqual([]);
    }, 60_000);

    test("says so when the API refuses", async () => {
        await database.sql`alter function ingest.pause_streams(smallint, text, text) rename to pause_streams_away`;
        await page.getByRole("button", { name: "Pause ingest" }).click();
        await fieldHasFocus();
        await page.keyboard.press("Enter");
        await shows(".pause [role=status]", /Database is not set up/);
        complaints.splice(0, 1);
        await database.sql`alter function ingest.pause_streams_away(smallint, text, text) rename to pause_streams`;
    }, 30_000);

    test("the browser had nothing to complain of", () => {
        expect(complaints).toEqual([]);
    });
});
