/** Bundles the page once, in memory: nothing is written, so a clean clone and a read-only one both serve it. */
import { fileURLToPath } from "node:url";
import { builtFiles } from "../../built-files.ts";

export interface Asset {
    bytes: Uint8Array<ArrayBuffer>;
    type: string;
    etag: string;
}

const font = "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2";

const icon =
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#1f5fd0"/>' +
    '<path d="M9 9v14M23 9v14M9 13c5 0 9 6 14 6M9 19c3 0 5 1.500 6.500 3" fill="none" stroke="#fff" stroke-width="2.500" stroke-linecap="round"/></svg>';

/** Classic scripts, the first one blocking: the theme is there before anything is painted. */
const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Sluice</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="preload" href="/assets/inter.woff2" as="font" type="font/woff2" crossorigin>
<link rel="stylesheet" href="/assets/page.css">
<script src="/assets/theme.js"></script>
<script src="/assets/page.js" defer></script>
</head>
<body><div id="page"></div><noscript>This page needs JavaScript. GET /v1/status returns the same.</noscript></body>
</html>
`;

/** The page of a build, which holds it, or `buildPage`. */
export async function loadPage(entry: string): Promise<Map<string, Asset>> {
    if (builtFiles === null) return await buildPage(entry);
    const decoded = Object.entries(builtFiles.page).map(async ([path, { type, base64 }]): Promise<[string, Asset]> => {
        return [path, await toAsset(new Blob([Buffer.from(base64, "base64")]), type)];
    });
    return new Map(await Promise.all(decoded));
}

/** By path. `entry`: the page.tsx that renders it. @throws when the bundle does not build, with what Bun says of it */
export async function buildPage(entry: string): Promise<Map<string, Asset>> {
    const build = await Bun.build({
        entrypoints: [entry, source("theme.ts")],
        target: "browser",
        format: "iife",
        minify: true,
        define: { "process.env.NODE_ENV": '"production"' },
        external: ["/assets/*"],
    });
    const built = build.outputs.map(async (output): Promise<[string, Asset]> => {
        const name = output.path.replace(/^.*[/\\]/, "");
        return [`/assets/${name}`, await toAsset(output, output.type)];
    });
    return new Map([
        ["/", await toAsset(new Blob([html]), "text/html; charset=utf-8")],
        ["/assets/icon.svg", await toAsset(new Blob([icon]), "image/svg+xml")],
        ["/assets/inter.woff2", await toAsset(Bun.file(fileURLToPath(import.meta.resolve(font))), "font/woff2")],
        ...(await Promise.all(built)),
    ]);
}

function source(name: string): string {
    return fileURLToPath(new URL(name, import.meta.url));
}

export async function toAsset(content: Blob, type: string): Promise<Asset> {
    const bytes = new Uint8Array(await content.arrayBuffer());
    return { bytes, type, etag: `"${Bun.hash(bytes).toString(36)}"` };
}
