/** Puts the page at `/` and at the addresses of its views. It is files and nothing else: whatever it shows, it asks the API for, as any client does. */
import type { Context as HonoContext } from "hono";
import type { Api, ApiEnv } from "../api/route-types.ts";
import { type Asset, loadPage, toAsset } from "./build-page.ts";
import { findView, viewPaths } from "./views/find-view.ts";

export const assetPaths = [
    "/assets/page.js",
    "/assets/page.css",
    "/assets/theme.js",
    "/assets/inter.woff2",
    "/assets/icon.svg",
] as const;

export interface PageOptions {
    /** Whether there is /v1/lab: the page has a view of it then. */
    hasLab?: boolean;
}

/** Need no token: the page itself asks for it. They hold no data. */
export function isPagePath(path: string): boolean {
    return (assetPaths as readonly string[]).includes(path) || findView(path) !== null;
}

/** Everything from here, nothing inline, nothing from elsewhere. */
const contentSecurityPolicy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
].join("; ");

/** Returns the app. The bundle is built at the first request (0.1 s) and kept; one that failed is tried again. */
export function addPage(app: Api, entry: string, { hasLab = false }: PageOptions = {}): Api {
    let built: Promise<Map<string, Asset>> | undefined;
    const assets = () => {
        built ??= loadAssets(entry, hasLab).catch((error) => {
            built = undefined;
            throw error;
        });
        return built;
    };
    const serve = async (c: HonoContext<ApiEnv>, path: string) => {
        const asset = (await assets()).get(path);
        return asset ? respond(asset, c.req.raw.headers) : c.notFound();
    };
    for (const path of assetPaths) app.get(path, (c) => serve(c, path));
    for (const path of viewPaths) {
        app.get(path, (c) => {
            const shown = findView(c.req.path);
            return shown === null || (shown.name === "lab" && !hasLab) ? c.notFound() : serve(c, "/");
        });
    }
    return app;
}

/** The page cannot ask for what may not be there without a complaint of the browser: its HTML says whether there is a lab. */
async function loadAssets(entry: string, hasLab: boolean): Promise<Map<string, Asset>> {
    const assets = new Map(await loadPage(entry));
    const page = assets.get("/");
    if (!hasLab || !page) return assets;
    const html = new TextDecoder().decode(page.bytes).replace("<html ", '<html data-lab="true" ');
    return assets.set("/", await toAsset(new Blob([html]), page.type));
}

function respond({ bytes, type, etag }: Asset, request: Headers): Response {
    const headers = {
        "content-type": type,
        "content-security-policy": contentSecurityPolicy,
        // Asked for each time, and answered in a few bytes when it is the same.
        "cache-control": "no-cache",
        etag,
    };
    // A compressed answer bears the tag as a weak one, and gets it back so.
    const known = (request.get("if-none-match") ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
    if (known.includes(etag)) return new Response(null, { status: 304, headers });
    return new Response(bytes, { headers });
}
