/** The crash lab in a real browser, on the real service and its embedded Postgres. Promises 1, 2 and 8. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import axe from "axe-core";
import type { Browser, Locator, Page } from "playwright-core";
import { findChromium, launchChromium } from "../support/browser.ts";
import { makeFolder } from "../support/fixture.ts";
import { type Service, startLabService } from "../support/service.ts";
import { waitUntil } from "../support/wait-until.ts";

const chromium = await findChromium();
if ("missing" in chromium) console.error(`The browser tests are skipped: ${chromium.missing}.`);

describe.skipIf("missing" in chromium)("the crash lab", () => {
    const folder = makeFolder();
    let service: Service;
    let browser: Browser;
    let page: Page;

    beforeAll(async () => {
        mkdirSync(join(folder, "in"));
        service = await startLabService({ dataDir: join(folder, "data"), inputDir: join(folder, "in") });
        browser = await launchChromium((chromium as { path: string }).path);
        page = await browser.newPage({ viewport: { width: 1360, height: 900 } });
        page.setDefaultTimeout(15_000);
        await page.goto(service.pageUrl);
        await page.getByRole("link", { name: "Crash lab" }).click();
        await page.waitForURL("**/lab");
    }, 60_000);
    afterAll(async () => {
        await browser?.close();
        await service?.stop();
        if (folder) rmSync(folder, { recursive: true, force: true });
    });

    const lab = () => page.locator("#lab");
    // biome-ignore lint/performance/useDomNodeTextContent: as a visitor reads it
    const textOf = (place: Locator) => place.innerText();
    /** Presses the button and waits for the end; the steps as a visitor reads them. */
    async function carryOut(title: string): Promise<string> {
        await lab().getByRole("button", { name: title }).click();
        const heading = lab().locator("h2");
        await waitUntil(`${title} is balanced`, async () => (await textOf(heading)) === `${title}\nbalanced`, {
            deadlineMs: 60_000,
        });
        return await textOf(lab().locator(".lab-steps"));
    }

    test("delivers a file twice: nothing is counted twice, and the links lead to batch, file and record", async () => {
        const steps = await carryOut("Deliver a file twice");
        expect(steps).toContain("All 1,000 good records are in events, each once.");
        expect(steps).toContain("2,000 read = 1,000 inserted + 1,000 duplicate + 0 conflict + 0 rejected");
        const follow = async (name: RegExp | string, place: string, text: RegExp) => {
            await lab().getByRole("link", { name }).first().click();
            await page.locator(place).getByText(text).first().waitFor();
            await page.goBack();
            await lab().locator("h2").waitFor();
        };
        await follow(/^batch #/, "#batch-files", /lab_first/);
        await follow(/^file lab_copy/, "#files tbody", /skipped/);
        await follow("trace record 1", "#trace .lives", /lab_first_\w+\.csv/);
    }, 60_000);

    test("kills the ingest worker: another one takes over, and the equation balances", async () => {
        const steps = await carryOut("Kill the ingest worker");
        expect(steps).toMatch(
            /kill -9 of the ingest worker, process (\d+)[\s\S]*Another worker was started, process (?!\1)\d+/,
        );
        expect(steps).toContain("30,000 read = 30,000 inserted + 0 duplicate + 0 conflict + 0 rejected");
    }, 90_000);

    test("crashes Postgres: the page says so, the staged records are staged again, and it balances without a reload", async () => {
        await page.evaluate("window.isTheSame = true");
        const steps = await carryOut("Crash Postgres");
        expect(steps).toMatch(
            /kill -9 of PostgreSQL, process (\d+)[\s\S]*PostgreSQL answers again after .* process (?!\1)\d+/,
        );
        expect(steps).toContain("All 30,000 good records are in events, each once.");
        const equation = page.locator("[data-test=lab-equation]");
        // Both deliveries, the kill's and the crash's records, each once.
        await waitUntil(
            "the totals",
            async () =>
                (await equation.textContent())?.includes(
                    "62,000 = 61,000 + 1,000 duplicate + 0 conflict + 0 rejected",
                ) ?? false,
        );
        await lab().locator(".lab-equation .balanced").waitFor();
        expect(await page.evaluate("window.isTheSame")).toBe(true);
    }, 90_000);

    test("cuts a file while it is read: what was there stays, and the whole one completes it", async () => {
        const steps = await carryOut("Cut a file");
        expect(steps).toMatch(/Cut from [\d,]+ bytes to [\d,]+[\s\S]*delivers the whole file again/);
        expect(steps).toContain("All 30,000 good records are in events, each once.");
    }, 90_000);

    test("takes garbage: the good records between are in, the others are refused with their reasons", async () => {
        const steps = await carryOut("Send garbage");
        expect(steps).toContain("All 20 good records are in events, each once.");
        expect(steps).toMatch(/read = 20 inserted \+ 0 duplicate \+ 0 conflict \+ [1-9]\d* rejected/);
        await lab().locator(".lab-equation .balanced").waitFor();
    }, 60_000);

    test("fits 375 pixels, and has nothing serious to axe", async () => {
        await page.setViewportSize({ width: 375, height: 812 });
        await page.waitForTimeout(200);
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(375);
        await page.evaluate(axe.source);
        const { violations } = (await page.evaluate("axe.run()")) as axe.AxeResults;
        const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        expect(serious.map(({ id, nodes }) => [id, nodes.map(({ target }) => target)])).toEqual([]);
    }, 30_000);
});
