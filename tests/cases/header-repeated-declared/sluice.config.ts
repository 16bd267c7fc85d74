import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        { match: "*.csv", delimiter: ";", aliases: { id: "event_id", sku: "product_id" }, header: ["id", "event_type", "sku", "user_id", "event_timestamp", "note"] },
    ],
});
