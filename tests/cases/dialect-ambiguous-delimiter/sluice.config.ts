import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            constants: { event_type: "view", user_id: "u1", event_timestamp: "2024-01-02 03:04:05" },
            defaults: { product_id: "none" },
            deriveEventId: { from: "record" },
        },
    ],
});
