/** Chromium for tests and screenshots: the one that is there, else Debian's, installed when we may; else none. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { installDebianPackage } from "./debian-package.ts";

const places = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

const flags = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/** Its path, or why there is none. SLUICE_TEST_CHROMIUM names another one. */
export async function findChromium(): Promise<{ path: string } | { missing: string }> {
    const named = process.env.SLUICE_TEST_CHROMIUM;
    const found = [...(named ? [named] : []), ...places].find((place) => existsSync(place));
    if (found) return { path: found };
    const problem = await installDebianPackage("chromium", "Chromium");
    if (problem !== null) return { missing: problem };
    const [installed] = places;
    return existsSync(installed!) ? { path: installed! } : { missing: "apt-get installed no Chromium" };
}

/** With a profile of its own, that goes with it. */
export async function launchChromium(path: string): Promise<Browser> {
    return await chromium.launch({ executablePath: path, args: flags });
}
