import { defineConfig } from "sluice";

export default defineConfig({
    sources: [{ match: "*.csv", header: "first-line", constants: { event_type: "view", product_id: "p", user_id: "u", event_timestamp: "2024-01-02 03:04:05" }, deriveEventId: { from: "record" } }],
});
