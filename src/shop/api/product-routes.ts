/** `GET /v1/stats/funnel` and `GET /v1/stats/top-products` */
import { createRoute, z } from "@hono/zod-openapi";
import type { Api, Context } from "../../server/api/api.ts";
import { sharedForMs } from "../../server/api/api.ts";
import { answers } from "../../server/api/problem.ts";
import { limitSchema, wholeNumberSchema } from "../../server/api/shapes.ts";
import {
    funnelSchema,
    maxProductDays,
    productOrders,
    readFunnel,
    readTopProducts,
    topProductsSchema,
} from "./read-products.ts";

const daysDescription = "Today and the days before it, by event time in UTC; of all time when left out.";

const getFunnel = createRoute({
    method: "get",
    path: "/v1/stats/funnel",
    summary: "View, add to cart, purchase: how many events of each",
    request: {
        query: z.strictObject({
            days: wholeNumberSchema(1, 3660).optional().openapi({ description: daysDescription }),
        }),
    },
    responses: answers("The funnel", funnelSchema, 400, 503),
});

const getTopProducts = createRoute({
    method: "get",
    path: "/v1/stats/top-products",
    summary: "The products with the highest revenue, or the most purchases, quantity or events",
    request: {
        query: z.strictObject({
            by: z.enum(productOrders).optional().openapi({ default: "revenue" }),
            limit: limitSchema,
            days: wholeNumberSchema(1, maxProductDays).optional().openapi({ description: daysDescription }),
        }),
    },
    responses: answers("The products", topProductsSchema, 400, 503),
});

export function addProductRoutes(app: Api, { reader }: Context): void {
    app.openapi(getFunnel, async (c) => {
        const { days } = c.req.valid("query");
        const { asOf, steps } = await reader.share(`funnel ${days}`, sharedForMs.live, (db) => readFunnel(db, days));
        const withShares = steps.map((step, index) => {
            const before = index === 0 ? 0 : steps[index - 1]!.events;
            const shareOfPrevious = before === 0 ? null : Math.round((10_000 * step.events) / before) / 10_000;
            return { ...step, shareOfPrevious };
        });
        return c.json({ asOf, days: days ?? null, steps: withShares }, 200);
    });

    app.openapi(getTopProducts, async (c) => {
        const { by = "revenue", limit, days } = c.req.valid("query");
        const query = { by, limit, days };
        const key = `top products ${JSON.stringify(query)}`;
        const { asOf, data, others } = await reader.share(key, sharedForMs.heavy, (db) => readTopProducts(db, query));
        return c.json({ asOf, by, days: days ?? null, data, others }, 200);
    });
}
