/** Puts the page at `/`. It is files and nothing else: whatever it shows, it asks the API for, as any client does. */
import type { Api } from "../api/route-types.ts";
import { type Asset, loadPage } from "./build-page.ts";

/** Need no token: the page itself asks for it. They hold no data. */
export const pagePaths = [
    "/",
    "/assets/page.js",
    "/assets/page.css",
    "/assets/theme.js",
    "/assets/inter.woff2",
    "/assets/icon.svg",
] as const;

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
export function addPage(app: Api, entry: string): Api {
    let built: Promise<Map<string, Asset>> | undefined;
    const assets = () => {
        built ??= loadPage(entry).catch((error) => {
            built = undefined;
            throw error;
        });
        return built;
    };
    for (const path of pagePaths) {
        app.get(path, async (c) => {
            const asset = (await assets()).get(path);
            if (!asset) return c.notFound();
            return respond(asset, c.req.raw.headers);
        });
    }
    return app;
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
