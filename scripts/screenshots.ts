import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { runCommand } from "../src/commands/command.ts";
import { SluiceError } from "../src/errors.ts";
import { defaultGeneratorOptions } from "../src/shop/generator/options.ts";
import { runGenerator } from "../src/shop/generator/run-generator.ts";
import { findChromium, launchChromium } from "../tests/support/browser.ts";
import { openOwnServer } from "../tests/support/own-server.ts";
import { startLabService, startService } from "../tests/support/service.ts";

const fillChartsMs = 5 * 60_000;
const imagesDir = join(import.meta.dir, "../docs/images");

/** `path`: the view. `shown`: what is there when it can be taken. */
type Shot = Pick<BrowserContextOptions, "colorScheme" | "viewport" | "deviceScaleFactor"> & {
    name: string;
    path: string;
    shown: string;
};

const light: Shot = {
    name: "light",
    path: "/",
    shown: ".chart canvas",
    colorScheme: "light",
    viewport: { width: 1280, height: 1180 },
    deviceScaleFactor: 1.5,
};
const shots: Shot[] = [
    light,
    { ...light, name: "dark", colorScheme: "dark" },
    { ...light, name: "narrow", viewport: { width: 375, height: 812 }, deviceScaleFactor: 2 },
];
const batch: Shot = { ...light, name: "batch", path: "/batches/20", shown: "#batch .phases" };
const lab: Shot = {
    ...light,
    name: "lab",
    path: "/lab",
    shown: "#lab .experiments",
    viewport: { width: 1280, height: 640 },
};
const failing: Shot = { ...light, name: "failing", viewport: { width: 1280, height: 560 } };

await runCommand({
    name: "screenshots",
    summary:
        "Makes the pictures of the page in docs/images: the service at work on generated files, a failing one, a batch, and the crash lab.",
    examples: [["bun run screenshots", "takes six minutes: its charts show five"]],
    async run() {
        const chromium = await findChromium();
        if ("missing" in chromium) {
            throw new SluiceError({
                code: "browser_missing",
                what: `There is no browser to take pictures with: ${chromium.missing}.`,
                remedy: "Install Chromium, or name one in SLUICE_TEST_CHROMIUM.",
            });
        }
        mkdirSync(imagesDir, { recursive: true });
        const folder = mkdtempSync(join(tmpdir(), "sluice-screenshots-"));
        const inputDir = join(folder, "data/input_data");
        mkdirSync(inputDir, { recursive: true });
        const server = await openOwnServer();
        const target = await server.createDatabase();
        const service = await startService(target.url, inputDir);
        const stopper = new AbortController();
        const generating = generate(inputDir, stopper.signal);
        const browser = await launchChromium(chromium.path);
        try {
            await Bun.sleep(fillChartsMs);
            for (const shot of [...shots, batch]) await take(browser, service.pageUrl, shot);
            writeFileSync(join(inputDir, "prices_eu.csv"), "event_id,event_type,sku,user_id,event_timestamp\n");
            await Bun.sleep(4000);
            await take(browser, service.pageUrl, failing);
            await takeLab(browser, folder);
        } finally {
            stopper.abort();
            await browser.close();
            await generating;
            await service.stop();
            await server.close();
            rmSync(folder, { recursive: true, force: true });
        }
    },
});

/** The crash lab, which wants an embedded server of its own, after Postgres was crashed. */
async function takeLab(browser: Browser, folder: string): Promise<void> {
    const inputDir = join(folder, "lab/input_data");
    mkdirSync(inputDir, { recursive: true });
    const service = await startLabService({ dataDir: join(folder, "lab/data"), inputDir });
    const stopper = new AbortController();
    const generating = generate(inputDir, stopper.signal);
    try {
        await Bun.sleep(20_000);
        await take(browser, service.pageUrl, lab, async (page) => {
            await page.getByRole("button", { name: "Crash Postgres" }).click();
            await page.locator(".lab-steps .good").waitFor({ timeout: 60_000 });
        });
    } finally {
        stopper.abort();
        await generating;
        await service.stop();
    }
}

/** Faults and repetitions in it, so that every part of the equation is there. */
async function generate(outputDir: string, signal: AbortSignal): Promise<void> {
    const options = { ...defaultGeneratorOptions, minRecords: 200, maxRecords: 900, sleepSeconds: 0.7 };
    await runGenerator({ ...options, dirtyRatio: 0.02, duplicateRatio: 0.04, seed: 7, outputDir }, { signal });
}

async function take(browser: Browser, url: string, shot: Shot, act?: (page: Page) => Promise<void>) {
    const { name, path, shown, ...look } = shot;
    const context = await browser.newContext({ ...look, timezoneId: "UTC" });
    const page = await context.newPage();
    await page.goto(new URL(path, url).href);
    await page.locator(shown).first().waitFor();
    // Long enough for the CPU's share, which takes two looks.
    await page.waitForTimeout(7000);
    await act?.(page);
    await page.screenshot({ path: join(imagesDir, `${name}.png`) });
    await context.close();
    process.stdout.write(`docs/images/${name}.png\n`);
}
