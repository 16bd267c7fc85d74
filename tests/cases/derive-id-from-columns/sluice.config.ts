import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            deriveEventId: { from: ["user_id", "product_id", "event_timestamp"] },
        },
    ],
});
