/** The funnel and the products that sell, from the rollups. Never touches `events`. */
import { z } from "@hono/zod-openapi";
import { type SQL, sql } from "drizzle-orm";
import type { Database } from "../../server/api/reader.ts";
import { countSchema, instantSchema, isoInstant, moneySchema } from "../../server/api/shapes.ts";
import { eventStats, productStats } from "../schema.ts";

const funnelSteps = ["view", "add_to_cart", "purchase"] as const;
export const productOrders = ["revenue", "purchases", "quantity", "events"] as const;
export type ProductOrder = (typeof productOrders)[number];

/** As long as sql/events/rollups.sql keeps days. */
export const maxProductDays = 35;

export const funnelSchema = z
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
                        description:
                            "Events divided by those of the previous step; null if that has none. May exceed 1.",
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

export const topProductsSchema = z
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
                    "Each batch gives its 20,000 best products their own rows and adds up the others here. If this is not null, " +
                    "the numbers of a product above may be too low by a part of it.",
            }),
    })
    .openapi("TopProducts");

export type FunnelSteps = z.infer<typeof funnelSchema>;
export type TopProductList = z.infer<typeof topProductsSchema>;

type FunnelSums = { asOf: string; steps: Omit<FunnelSteps["steps"][number], "shareOfPrevious">[] };

/** Today and the days before it, by event time in UTC; without `days`, of all time. One statement, one snapshot. */
export async function readFunnel(db: Database, days?: number): Promise<FunnelSteps> {
    const [row] = await db.execute<FunnelSums>(sql`
        select
            ${isoInstant(sql`statement_timestamp()`)} as "asOf",
            (
                select json_agg(
                    json_build_object(
                        'eventType', steps.event_type,
                        'events', coalesce(sums.events, 0),
                        'quantity', coalesce(sums.quantity, 0),
                        'revenue', round(coalesce(sums.revenue, 0), 2)::text
                    )
                    order by steps.position
                )
                from unnest(${sql.param(`{${funnelSteps.join(",")}}`)}::text[]) with ordinality as steps (event_type, position)
                left join (
                    select
                        ${eventStats.eventType} as event_type,
                        sum(${eventStats.events}) as events,
                        sum(${eventStats.quantity}) as quantity,
                        sum(${eventStats.revenue}) as revenue
                    from ${eventStats}
                    where ${sql`${eventStats.grain} = ${grainOf(days)} and ${eventStats.bucket} >= ${firstBucket(days)}`}
                    group by ${eventStats.eventType}
                ) as sums on sums.event_type = steps.event_type
            ) as "steps"
    `);
    const { asOf, steps } = row!;
    const withShares = steps.map((step, index) => {
        const before = steps[index - 1]?.events ?? 0;
        const shareOfPrevious = before === 0 ? null : Math.round((10_000 * step.events) / before) / 10_000;
        return { ...step, shareOfPrevious };
    });
    return { asOf, days: days ?? null, steps: withShares };
}

export interface ProductsQuery {
    by: ProductOrder;
    limit: number;
    days?: number | undefined;
}

export async function readTopProducts(db: Database, { by, limit, days }: ProductsQuery): Promise<TopProductList> {
    const sums = sql`
        'events', events, 'purchases', purchases, 'quantity', quantity, 'revenue', round(revenue, 2)::text
    `;
    const [row] = await db.execute<Pick<TopProductList, "asOf" | "data" | "others">>(sql`
        with summed_products as materialized (
            select
                ${productStats.productId} as product_id,
                sum(${productStats.events}) as events,
                sum(${productStats.purchases}) as purchases,
                sum(${productStats.quantity}) as quantity,
                sum(${productStats.revenue}) as revenue
            from ${productStats}
            where ${productStats.grain} = ${grainOf(days)} and ${productStats.bucket} >= ${firstBucket(days)}
            group by ${productStats.productId}
        ),
        top_products as (
            select *
            from summed_products
            where product_id <> '' and events > 0
            order by ${sql.identifier(by)} desc, events desc, product_id
            limit ${limit}
        )
        select
            ${isoInstant(sql`statement_timestamp()`)} as "asOf",
            (
                select coalesce(
                    json_agg(
                        json_build_object('productId', product_id, ${sums})
                        order by ${sql.identifier(by)} desc, events desc, product_id
                    ),
                    '[]'
                )
                from top_products
            ) as "data",
            (select json_build_object(${sums}) from summed_products where product_id = '') as "others"
    `);
    const { asOf, data, others } = row!;
    return { asOf, by, days: days ?? null, data, others };
}

function grainOf(days: number | undefined): string {
    return days === undefined ? "total" : "day";
}

function firstBucket(days: number | undefined): SQL {
    if (days === undefined) return sql`'epoch'::timestamptz`;
    return sql`date_bin('1 day', statement_timestamp(), 'epoch') - ${days - 1}::integer * interval '1 day'`;
}
