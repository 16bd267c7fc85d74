/** A person decides conflicts and rejects on the page: side by side, edit, preview, confirm; by keyboard, on a phone, for axe. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { runReplay } from "../../src/operations/run-replay.ts";
import { findChromium, launchChromium } from "../support/browser.ts";
import { header, idOf, makeFolder, useDatabase } from "../support/fixture.ts";
import { expectChecksToPass } from "../support/read-tables.ts";
import { type Service, startService } from "../support/service.ts";
import { waitUntil } from "../support/wait-until.ts";

const chromium = await findChromium();
if ("missing" in chromium) console.error(`The browser tests are skipped: ${chromium.missing}.`);

describe.skipIf("missing" in chromium)("deciding on the page", () => {
    const database = useDatabase(import.meta.path);
    const inputDir = makeFolder();
    let service: Service;
    let browser: Browser;
    let page: Page;
    const complaints: string[] = [];
    const record = (n: number, price: string, type = "view") => `${idOf(n)},${type},p,u,2024-01-01 00:00:00,1,${price}`;

    beforeAll(async () => {
        const lines = [
            ...[record(1, "1"), record(1, "2"), record(2, "1"), record(2, "2"), record(3, "x", "vew")],
            ...[record(4, "-1"), record(5, "-1"), record(6, "1"), record(6, "2")],
        ];
        writeFileSync(join(inputDir, ".a.csv"), `${[header, ...lines].join("\n")}\n`);
        renameSync(join(inputDir, ".a.csv"), join(inputDir, "a.csv"));
        service = await startService(database.url, inputDir);
        browser = await launchChromium((chromium as { path: string }).path);
        page = await (await browser.newContext({ timezoneId: "UTC" })).newPage();
        page.setDefaultTimeout(15_000);
        page.on("pageerror", (error) => complaints.push(`uncaught: ${error.message}`));
        await waitUntil("the rejects", async () => (await ids()).length === 6);
    }, 60_000);
    afterAll(async () => {
        await browser?.close();
        await service?.stop();
        rmSync(inputDir, { recursive: true, force: true });
    });

    const ids = async () =>
        await database.sql<{ id: number; recordNo: number }[]>`
            select reject_id as id, record_no as "recordNo" from ingest.rejects where resolved_by_batch is null order by 1`;
    const idAt = async (recordNo: number) => (await ids()).find((reject) => reject.recordNo === recordNo)!.id;
    const textOf = async (selector: string) =>
        // biome-ignore lint/performance/useDomNodeTextContent: what is hidden is left out
        (await page.locator(selector).first().innerText({ timeout: 2000 })).trim();
    const shows = (selector: string, expected: RegExp) =>
        waitUntil(`${selector}: ${expected}`, async () => expected.test(await textOf(selector).catch(() => "")));
    const open = async (path: string) => await page.goto(new URL(path, service.pageUrl).href);
    const priceOf = async (n: number) =>
        (await database.sql<{ price: string }[]>`select price::text from events where event_id = ${idOf(n)}`)[0]?.price;
    const findViolations = async () => {
        await page.evaluate(axe.source);
        const { violations } = (await page.evaluate("axe.run()")) as axe.AxeResults;
        return violations
            .filter(({ impact }) => impact === "serious" || impact === "critical")
            .flatMap(({ id, nodes }) => nodes.map(({ target }) => [id, target]));
    };
    const fitsPhone = async () => {
        await page.setViewportSize({ width: 375, height: 812 });
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(375);
        expect(await findViolations()).toEqual([]);
        await page.setViewportSize({ width: 1360, height: 900 });
    };

    test("a conflict is accepted by the keyboard alone: side by side, preview, confirm", async () => {
        await open(`/rejects/${await idAt(2)}`);
        await shows("#reject .beside tbody", /price\s*≠ differs\s+1\.00\s+2/);
        expect(await page.locator(".beside .tag").count()).toBe(1);
        await page.getByRole("button", { name: "Preview accepting conflicts of this conflict" }).focus();
        await page.keyboard.press("Enter");
        await shows(".decided", /nothing is changed yet: 1 stored row replaced/);
        await shows(".decided .beside", /price\s*≠ differs/);
        expect(await priceOf(1)).toBe("1.00");
        await fitsPhone();
        // The focus is on the step that follows.
        await page.keyboard.press("Enter");
        await shows("#reject", /accepted/);
        expect(await priceOf(1)).toBe("2.00");
        expect(await page.locator("#decide").count()).toBe(0);
    }, 40_000);

    test("a reject is corrected: each reason beside its value, a preview of what remains, save, replay", async () => {
        const id = await idAt(5);
        await open(`/rejects/${id}`);
        await shows("#decide .edit", /price/);
        const price = page.getByLabel("price", { exact: true });
        expect(await price.getAttribute("aria-invalid")).toBe("true");
        expect(await textOf(".edit li:has(input[aria-invalid=true]) .note")).toBe("event type unknown");
        await price.fill("3");
        await page.getByRole("button", { name: "Preview with these values" }).click();
        await shows(".edit [role=status]", /would still be rejected: event type unknown/);
        expect(await price.getAttribute("aria-invalid")).toBe("false");
        await page.getByLabel("event_type", { exact: true }).fill("view");
        await fitsPhone();
        await page.getByLabel("event_type", { exact: true }).press("Enter");
        await shows(".edit [role=status]", /^Saved/);
        await page.reload();
        await shows("#decide .edit", /event_type/);
        expect(await page.getByLabel("event_type", { exact: true }).inputValue()).toBe("view");
        await page.getByRole("button", { name: "Preview replay of this reject" }).click();
        await page.getByRole("button", { name: "Replay 1 record" }).click();
        await shows("#reject", /inserted/);
        expect(await priceOf(3)).toBe("3.00");
    }, 40_000);

    test("should fail to save over what somebody else has edited meanwhile, and say so", async () => {
        const id = await idAt(6);
        await open(`/rejects/${id}`);
        await shows("#decide .edit", /price/);
        await page.getByLabel("price", { exact: true }).fill("8");
        await database.sql`update ingest.rejects set record = record || '{"price": "9"}' where reject_id = ${id}`;
        await page.getByRole("button", { name: "Save these values" }).click();
        await shows(".edit [role=status]", /has changed/);
        const [kept] =
            await database.sql`select record ->> 'price' as price from ingest.rejects where reject_id = ${id}`;
        expect(kept).toEqual({ price: "9" });
    }, 30_000);

    test("a filter is in the address, through back and reload, and all of it is accepted after a preview", async () => {
        await open("/rejects");
        await shows(".samples", /price/);
        await page.getByRole("radio", { name: "Conflicts" }).check();
        await page.getByLabel("Column with a reason, or that differs").fill("price");
        await page.getByRole("button", { name: "Filter" }).click();
        await waitUntil("the address", async () => page.url().includes("column=price"));
        expect(new URL(page.url()).search).toBe("?kind=conflict&column=price");
        await page.goBack();
        expect(new URL(page.url()).search).toBe("?kind=conflict");
        await page.goForward();
        await page.reload();
        await shows(".samples-head", /kind conflict, column price/);
        expect(await page.getByLabel("Column with a reason, or that differs").inputValue()).toBe("price");
        await fitsPhone();
        await page.getByRole("button", { name: "Preview accepting conflicts of the records shown" }).click();
        await shows(".decided", /2 stored rows replaced/);
        // Somebody else accepts one in between: the replay decides, and what the preview had said is told.
        await runReplay(database.sql, { ids: [await idAt(4)], acceptConflicts: true });
        await page.getByRole("button", { name: "Replace 2 stored rows" }).click();
        await shows(".decided", /^1 stored row replaced/);
        await shows(".decided", /The preview said: 2 stored rows replaced/);
        expect([await priceOf(2), await priceOf(6)]).toEqual(["2.00", "2.00"]);
    }, 40_000);

    test("the checks hold, and the browser had nothing to complain of", async () => {
        await expectChecksToPass(database.sql);
        expect(complaints).toEqual([]);
    });
});
