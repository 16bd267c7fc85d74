/** `GET /v1/stats/funnel` and `GET /v1/stats/top-products` */
import { z } from "@hono/zod-openapi";
import { addGetRoute, sharedForMs } from "../../server/api/get-route.ts";
import type { Api, Context } from "../../server/api/route-types.ts";
import { limitSchema, wholeNumberSchema } from "../../server/api/shapes.ts";
import {
    funnelSchema,
    maxProductDays,
    productOrders,
    readFunnel,
    readTopProducts,
    topProductsSchema,
} from "./read-products.ts";

const daysSchema = (most: number) =>
    wholeNumberSchema(1, most).optional().openapi({
        description: "Today and the days before, by event time in UTC; default: all time.",
    });

export function addProductRoutes(app: Api, context: Context): void {
    addGetRoute(app, context, {
        path: "/v1/stats/funnel",
        summary: "The number of events per step: view, add to cart, purchase",
        query: { days: daysSchema(3660) },
        answer: { description: "The funnel", schema: funnelSchema },
        read: (db, { days }) => readFunnel(db, days),
    });
    addGetRoute(app, context, {
        path: "/v1/stats/top-products",
        summary: "The products with the highest revenue, or the most purchases, quantity or events",
        query: {
            by: z.enum(productOrders).optional().openapi({ default: "revenue" }),
            limit: limitSchema,
            days: daysSchema(maxProductDays),
        },
        answer: { description: "The products", schema: topProductsSchema },
        sharedForMs: () => sharedForMs.heavy,
        read: (db, { by = "revenue", limit, days }) => readTopProducts(db, { by, limit, days }),
    });
}
