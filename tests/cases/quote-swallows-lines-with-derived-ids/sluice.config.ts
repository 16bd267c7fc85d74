import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        { match: "*.csv", aliases: { when: "event_timestamp" }, timestamps: { format: "M/d/yyyy H:mm" }, deriveEventId: { from: ["when", "product_id"] } },
    ],
});
