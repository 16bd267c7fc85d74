import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "OnlineRetail*.csv",
            aliases: {
                StockCode: "product_id",
                CustomerID: "user_id",
                InvoiceDate: "event_timestamp",
                UnitPrice: "price",
            },
            timestamps: { format: "M/d/yyyy H:mm" },
            constants: { event_type: "purchase" },
            defaults: { user_id: "guest" },
            rules: [
                { when: { column: "quantity", startsWith: "-" }, set: { event_type: "remove_from_cart" } },
                { absolute: "quantity" },
            ],
            deriveEventId: { from: "record" },
        },
    ],
});
