/** `GET /v1/stats/funnel` and `GET /v1/stats/top-products` */
import { createRoute, z } from "@hono/zod-openapi";
import type { Api, Context } from "../../server/api/api.ts";
import { sharedForMs } from "../../server/api/api.ts";
import { problemResponses } from "../../server/api/problem.ts";
import { countSchema, instantSchema, limitSchema, moneySchema, wholeNumberSchema } from "../../server/api/shapes.ts";
import { funnelSteps, maxProductDays, productOrders, readFunnel, readTopProducts } from "./read-products.ts";

const funnelSchema = z
    .object({
        asOf: instantSchema,
        days: countSchema.nullable(),
        steps: z
            .array(
                z.object({
                    eventType: z.enum(funnelSteps),
                    events: countSchema,
                    quantity: countSchema,
                    revenue: moneySchema,
                    shareOfPrevious: z.number().nullable().openapi({
                        description: "Events over those of the step before; null when that has none. It may be over 1.",
                    }),
                }),
            )
            .openapi({ description: "Counts events, not people or sessions: two views by one user are two." }),
    })
    .openapi("Funnel");

const productSums = {
    events: countSchema,
    purchases: countSchema,
    quantity: countSchema.openapi({ description: "Of purchases." }),
    revenue: moneySchema.openapi({ description: "Sum of quantity times price over purchases." }),
};

const topProductsSchema = z
    .object({
        asOf: instantSchema,
        by: z.enum(productOrders),
        days: countSchema.nullable(),
        data: z.array(z.object({ productId: z.string(), ...productSums })),
        others: z
            .object(productSums)
            .nullable()
            .openapi({
                description:
                    "A batch gives its 20,000 best products a row each and adds up the others here. When it is not null, a " +
                    "product's numbers above may lack what is here.",
            }),
    })
    .openapi("TopProducts");

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
    responses: {
        200: { description: "The funnel", content: { "application/json": { schema: funnelSchema } } },
        ...problemResponses(400, 503),
    },
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
    responses: {
        200: { description: "The products", content: { "application/json": { schema: topProductsSchema } } },
        ...problemResponses(400, 503),
    },
});

export function addProductRoutes(app: Api, { reader }: Context): void {
    app.openapi(getFunnel, async (c) => {
        const { days } = c.req.valid("query");
        const { asOf, steps } = await reader.share(`funnel ${days}`, sharedForMs.live, (db) => readFunnel(db, days));
        const withShares = steps.map((step, index) => {
            const before = index === 0 ? 0 : steps[index - 1]!.events;
            const shareOfPrevious = before === 0 ? null : Math.round((10_000 * step.events) / before) / 10_000;
            return { ...step, eventType: step.eventType as (typeof funnelSteps)[number], shareOfPrevious };
        });
        return c.json({ asOf, days: days ?? null, steps: withShares }, 200);
    });

    app.openapi(getTopProducts, async (c) => {
        const { by = "revenue", limit, days } = c.req.valid("query");
        const query = { by, limit, days };
        const key = `top products ${JSON.stringify(query)}`;
        const { asOf, products, others } = await reader.share(key, sharedForMs.heavy, (db) =>
            readTopProducts(db, query),
        );
        return c.json({ asOf, by, days: days ?? null, data: products, others }, 200);
    });
}
