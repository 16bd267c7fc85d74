import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            aliases: {
                id: "event_id",
                kind: "event_type",
                sku: "product_id",
                Who: "user_id",
                event_time: "event_timestamp",
                n: "quantity",
                amount: "price",
            },
        },
    ],
});
